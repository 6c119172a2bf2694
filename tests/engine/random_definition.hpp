// Random definitions for the simulation: graphs of every node kind that the core knows.
#pragma once

#include "runtime/base/json.hpp"
#include "runtime/base/prng.hpp"

#include <string>
#include <vector>

namespace troupe::test {

class random_definition {
public:
  explicit random_definition(std::uint64_t seed) : random_(seed) {}

  json::value make() {
    const auto count = 2 + random_.below(9);
    nodes_.push_back(json::object{{"id", "t"}, {"type", "TRIGGER"}, {"subtype", "MANUAL"}});
    ports_.push_back({"main"});
    for (std::uint64_t i = 0; i < count; ++i)
      add_node("n" + std::to_string(i));
    for (auto& body : bodies_)
      nodes_.push_back(body);
    json::object definition{{"name", "random"}, {"nodes", nodes_}, {"edges", edges_}};
    if (random_.below(3) == 0)
      definition["settings"] = json::object{{"max_parallel_steps", 1 + random_.below(3)}};
    return definition;
  }

private:
  std::string pick_port(std::size_t source) {
    const auto& ports = ports_[source];
    return ports[random_.below(ports.size())];
  }

  void connect(const std::string& id) {
    const auto inputs = 1 + random_.below(2);
    std::string before;
    for (std::uint64_t i = 0; i < inputs; ++i) {
      const auto source = random_.below(ports_.size());
      const auto from = std::string{nodes_[source].as_object().at("id").as_string()};
      const auto port = pick_port(source);
      if (before == from + port)
        continue;
      before = from + port;
      edges_.push_back(json::object{{"source", from}, {"source_port", port}, {"target", id}});
    }
  }

  void push(const std::string& id, json::object node, std::vector<std::string> ports) {
    connect(id);
    node["id"] = id;
    nodes_.push_back(std::move(node));
    ports_.push_back(std::move(ports));
  }

  json::object skill(const char* name) {
    json::object node{
        {"type", "SKILL"},
        {"subtype", "SKILL"},
        {"parameters",
         json::object{{"skill_type", name}, {"parameters", json::object{{"v", "{{$json}}"}}}}},
        {"retry_policy", json::object{{"max_attempts", 1 + random_.below(3)},
                                      {"strategy", "exponential_jitter"},
                                      {"wait_min_seconds", 1},
                                      {"wait_max_seconds", 10}}}};
    const char* policies[]{"stop", "continue", "error_output"};
    node["on_error"] = policies[random_.below(3)];
    return node;
  }

  void add_loop(const std::string& id) {
    json::array items;
    for (std::uint64_t i = 0; i < random_.below(5); ++i)
      items.push_back(json::value(i));
    push(id,
         {{"type", "FLOW"},
          {"subtype", "LOOP"},
          {"parameters", json::object{{"loop_type", "foreach"},
                                      {"items", items},
                                      {"parallel_execution", random_.below(2) == 0}}}},
         {"complete"});
    // The body is kept apart, so that nothing else hangs on it.
    auto body = skill("work");
    body["id"] = id + "_body";
    bodies_.push_back(std::move(body));
    edges_.push_back(
        json::object{{"source", id}, {"source_port", "iteration"}, {"target", id + "_body"}});
    edges_.push_back(
        json::object{{"source", id + "_body"}, {"target", id}, {"target_port", "loop_body"}});
  }

  void add_node(const std::string& id) {
    switch (random_.below(9)) {
    case 0:
      return push(
          id,
          {{"type", "FLOW"},
           {"subtype", "IF"},
           {"parameters", json::object{{"condition", random_.below(2) ? "$json" : "not $json"}}}},
          {"true", "false"});
    case 1:
      return push(id,
                  {{"type", "FLOW"},
                   {"subtype", "MERGE"},
                   {"parameters", json::object{{"merge_type", "concat"},
                                               {"wait_for_all", random_.below(2) == 0}}}},
                  {"main"});
    case 2:
      return push(id,
                  {{"type", "FLOW"},
                   {"subtype", "WAIT"},
                   {"parameters", json::object{{"wait_type", "fixed_delay"},
                                               {"duration_seconds", random_.below(60)}}}},
                  {"main"});
    case 3:
      return push(id,
                  {{"type", "ACTION"},
                   {"subtype", "SET_VARIABLE"},
                   {"parameters", json::object{{"name", "x"}, {"value", "{{$json}}"}}}},
                  {"main"});
    case 4: return push(id, skill("echo"), {"main"});
    case 5:
      return push(id,
                  {{"type", "HUMAN_IN_THE_LOOP"},
                   {"subtype", "APP"},
                   {"parameters", json::object{{"notification_type", "approval"},
                                               {"title", "?"},
                                               {"message", "m"},
                                               {"timeout_minutes", 5}}}},
                  {"approved", "rejected", "timeout"});
    case 6:
    case 7: return add_loop(id);
    default: return push(id, skill("work"), {"main"});
    }
  }

  prng random_;
  json::array nodes_, edges_, bodies_;
  std::vector<std::vector<std::string>> ports_;
};

} // namespace troupe::test

#include "tests/simulation/workload.hpp"

#include "tests/engine/random_definition.hpp"

namespace troupe::test {

namespace {

/// Steps of external workers become calls, and long waits short ones.
void adapt(json::object& node, prng& random) {
  auto* parameters = node.if_contains("parameters");
  if (!parameters || !parameters->is_object())
    return;
  auto& p = parameters->get_object();
  if (json::text_or(*parameters, "skill_type", "") == "work") {
    p["skill_type"] = "http_request";
    p["parameters"] = json::object{{"url", "http://world/do"}, {"method", "POST"}};
    if (auto* retry = node.if_contains("retry_policy"); retry && retry->is_object())
      retry->get_object()["wait_max_seconds"] = 2;
  }
  if (p.contains("duration_seconds"))
    p["duration_seconds"] = 1 + random.below(6);
  if (p.contains("timeout_minutes"))
    p["timeout_minutes"] = 1;
}

void append(json::array& nodes, json::array& edges, const char* id, json::object node) {
  node["id"] = id;
  nodes.push_back(std::move(node));
  edges.push_back(json::object{{"source", "t"}, {"source_port", "main"}, {"target", id}});
}

} // namespace

json::value random_workflow(std::uint64_t seed, const std::string& child) {
  prng random(seed ^ 0x5eed);
  auto made = random_definition(seed).make();
  auto& all = made.get_object();
  auto& nodes = all["nodes"].get_array();
  auto& edges = all["edges"].get_array();
  for (auto& node : nodes)
    adapt(node.get_object(), random);
  if (random.below(3) == 0)
    append(nodes, edges, "signalled",
           {{"type", "FLOW"},
            {"subtype", "WAIT"},
            {"parameters", json::object{{"wait_type", "for_signal"}, {"signal_name", "go"}}}});
  if (!child.empty())
    for (const char* id : {"child_a", "child_b"})
      append(nodes, edges, id,
             {{"type", "SUBWORKFLOW"},
              {"subtype", "SUBWORKFLOW"},
              {"parameters", json::object{{"workflow_id", child}}}});
  if (random.below(4) == 0) {
    auto& settings = all["settings"];
    if (!settings.is_object())
      settings = json::object{};
    settings.get_object()["max_concurrent_executions"] = 1 + random.below(2);
  }
  return made;
}

} // namespace troupe::test

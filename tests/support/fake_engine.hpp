// An engine for tests of the gateway: workflows and runs in memory, every answer at once.
#pragma once

#include "actors/api/engine_port.hpp"

#include <functional>
#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe::test {

inline failure missing(std::string code) {
  return {failure_kind::not_found, std::move(code), "It is not there.", {}, {}};
}

/// Records what it was asked. Not thread-safe.
class fake_engine final : public engine_port {
public:
  struct fake_run {
    std::string json = R"({"id":"x","status":"running"})";
    bool terminal = false;
    std::vector<std::string> events{R"({"seq":1,"kind":"execution_started","data":{}})"};
  };
  std::map<run_id, fake_run> runs;
  std::vector<start_request> starts;
  std::vector<std::pair<run_id, commands::any>> commands_seen;
  std::vector<view_query> queries;
  std::vector<position> last_positions;
  view_page next_page;
  std::size_t reads = 0;
  bool is_ready = true;
  std::optional<failure> refuse_commands;
  /// Asked by everything about runs, workers and writes of control; may be empty.
  std::function<std::optional<failure>()> led_elsewhere;
  std::optional<failure> refused() const { return led_elsewhere ? led_elsewhere() : std::nullopt; }
  std::map<run_id, std::shared_ptr<subscriber>> subscribers;
  std::map<std::string, std::vector<workflow_ptr>> stored;
  std::map<std::string, document> documents;

  run_id add_run(bool terminal, std::string text = {}) {
    const auto id = make_run_id(instant{milliseconds{1'700'000'000'000}}, partition_id{3}, ++next_);
    runs[id].terminal = terminal;
    runs[id].json = text.empty() ? R"({"id":")" + to_text(id) + R"(","status":"success"})" : text;
    return id;
  }

  void start(start_request what, reply<started_run> answer) override {
    if (const auto why = refused())
      return answer(*why);
    const bool waits = what.wait.has_value();
    starts.push_back(std::move(what));
    started_run out;
    out.id = add_run(waits, R"({"id":"r","status":"success","steps":[{"step_id":"run",)"
                            R"("status":"success","output":{"said":"hello"}}]})");
    out.status = waits ? "success" : "queued";
    out.finished = waits;
    out.execution = std::make_shared<const std::string>(runs[out.id].json);
    out.at = {partition_id{3}, 17};
    answer(out);
  }
  void command(const run_id& run, commands::any what, reply<done_at> answer) override {
    if (const auto why = refused())
      return answer(*why);
    if (!runs.contains(run))
      return answer(missing("execution_not_found"));
    commands_seen.emplace_back(run, std::move(what));
    if (refuse_commands)
      return answer(*refuse_commands);
    answer(done_at{{partition_id{3}, 18}, nullptr});
  }
  void read(const run_id& run, reply<execution_text> answer) override {
    if (const auto why = refused())
      return answer(*why);
    ++reads;
    const auto found = runs.find(run);
    if (found == runs.end())
      return answer(missing("execution_not_found"));
    answer(execution_text{std::make_shared<const std::string>(found->second.json), 1,
                          found->second.terminal});
  }
  void events(const run_id& run, sequence_number after, std::uint32_t limit,
              reply<event_page> answer) override {
    if (hold_events)
      return held_events.push_back([this, run, after, limit, answer = std::move(answer)] {
        answer_events(run, after, limit, answer);
      });
    answer_events(run, after, limit, answer);
  }
  bool hold_events = false; ///< answers of events() wait in `held_events`
  std::vector<std::function<void()>> held_events;
  void answer_events(const run_id& run, sequence_number after, std::uint32_t limit,
                     const reply<event_page>& answer) {
    if (const auto why = refused())
      return answer(*why);
    const auto found = runs.find(run);
    if (found == runs.end())
      return answer(missing("execution_not_found"));
    const auto& all = found->second.events;
    event_page page;
    for (auto i = static_cast<std::size_t>(after); i < all.size() && page.items.size() < limit; ++i)
      page.items.push_back(all[i]);
    page.last_seq = all.size();
    page.has_more = after + page.items.size() < all.size();
    answer(page);
  }
  void report(const run_id& run, std::string what, reply<json::value> answer) override {
    if (const auto why = refused())
      return answer(*why);
    if (!runs.contains(run))
      return answer(missing("execution_not_found"));
    answer(json::value(json::object{{what, json::array{}}}));
  }
  void replay(const run_id& run, bool, reply<json::value> answer) override {
    if (const auto why = refused())
      return answer(*why);
    if (!runs.contains(run))
      return answer(missing("execution_not_found"));
    answer(json::value(json::object{{"equal", true}}));
  }
  void purge(std::vector<run_id> gone, reply<done_at> answer) override {
    if (const auto why = refused())
      return answer(*why);
    for (const auto& run : gone)
      runs.erase(run);
    answer(done_at{{partition_id{3}, 19}, nullptr});
  }
  std::shared_ptr<void> subscribe(const run_id& run, sequence_number since,
                                  std::shared_ptr<subscriber> who) override {
    const auto& all = runs[run].events;
    for (auto i = static_cast<std::size_t>(since); i < all.size(); ++i)
      who->on_event(run, i + 1, "execution_started", std::make_shared<const std::string>(all[i]));
    if (runs[run].terminal)
      who->on_end(run);
    subscribers[run] = std::move(who);
    return std::shared_ptr<void>(nullptr, [this, run](void*) { subscribers.erase(run); });
  }
  std::shared_ptr<void> subscribe_workflow(std::string, std::shared_ptr<subscriber> who) override {
    return who;
  }

  workflow_ptr workflow(std::string_view id, std::uint32_t version = 0) const override {
    const auto found = stored.find(std::string(id));
    if (found == stored.end())
      return nullptr;
    if (version == 0)
      return found->second.back();
    return version <= found->second.size() ? found->second[version - 1] : nullptr;
  }
  std::vector<std::uint32_t> workflow_versions(std::string_view id) const override {
    std::vector<std::uint32_t> out;
    if (const auto found = stored.find(std::string(id)); found != stored.end())
      for (std::uint32_t n = 1; n <= found->second.size(); ++n)
        out.push_back(n);
    return out;
  }
  compiled check(const json::value& definition) const override {
    return compile(definition, {types_, {}, {}, [](std::string_view) { return false; }});
  }
  void save_workflow(std::string id, json::value definition, bool draft,
                     std::optional<std::uint32_t> if_version, reply<workflow_ptr> answer) override {
    if (const auto why = refused())
      return answer(*why);
    auto made = check(definition);
    if (!made.errors.empty() && !draft) {
      failure why = invalid("definition_invalid", "The definition has errors.");
      why.node_errors = made.errors;
      return answer(why);
    }
    if (id.empty())
      id = "wf-" + std::to_string(++next_);
    auto& versions = stored[id];
    if (if_version && !versions.empty() && *if_version != versions.back()->version)
      return answer(failure{failure_kind::precondition, "version_mismatch", "Changed.", {}, {}});
    auto entry = std::make_shared<workflow_entry>();
    entry->id = id;
    entry->version = static_cast<std::uint32_t>(versions.size()) + 1;
    entry->active_version = entry->latest_version = entry->version;
    auto whole = normalise(definition);
    entry->definition =
        std::make_shared<const json::value>(whole ? json::value(*whole) : definition);
    entry->executable = made.executable;
    entry->errors = made.errors;
    const auto* enabled = json::find(*entry->definition, "enabled");
    entry->enabled = enabled == nullptr || !enabled->is_bool() || enabled->get_bool();
    entry->at = {partition_id{0}, entry->version};
    versions.push_back(entry);
    answer(workflow_ptr(entry));
  }
  void activate_workflow(std::string id, std::uint32_t version,
                         reply<workflow_ptr> answer) override {
    answer(stored[id][version - 1]);
  }
  void delete_workflow(std::string id, reply<done_at> answer) override {
    stored.erase(id);
    answer(done_at{{partition_id{0}, 99}, nullptr});
  }

  std::optional<document> read_document(std::string_view, std::string_view id) const override {
    const auto found = documents.find(std::string(id));
    return found == documents.end() ? std::nullopt : std::optional(found->second);
  }
  void write_document(document_write what, reply<done_at> answer) override {
    documents[what.id] = {what.collection, what.id, 1, what.body.value_or(nullptr)};
    answer(done_at{{partition_id{0}, 98}, nullptr});
  }

  json::value skills() const override {
    return json::array{json::object{{"skill_type", "echo"}, {"name", "echo"}}};
  }
  const catalog& node_types() const override { return types_; }
  void register_worker(json::value, reply<worker_info> answer) override {
    if (const auto why = refused())
      return answer(*why);
    answer(worker_info{"w1", "worker", "secret", 10});
  }
  void unregister_worker(std::string id, reply<done_at> answer) override {
    if (const auto why = refused())
      return answer(*why);
    gone_workers.insert(id);
    answer(id == "w1" ? result<done_at>(done_at{}) : result<done_at>(missing("worker_not_found")));
  }
  std::set<std::string> gone_workers;
  json::value workers() const override { return json::array{}; }
  void poll_tasks(std::string, json::value, reply<json::value> answer) override {
    if (const auto why = refused())
      return answer(*why);
    answer(json::value(json::object{{"tasks", json::array{}}}));
  }
  void task_message(std::string, std::string, std::string verb, json::value,
                    reply<json::value> answer) override {
    if (verb == "fail")
      return answer(failure{failure_kind::gone, "gone", "The token is no longer valid.", {}, {}});
    answer(json::value(nullptr));
  }
  void task_results(std::string, json::value, reply<json::value> answer) override {
    answer(json::value(json::object{{"results", json::array{}}}));
  }

  void query(view_query what, std::vector<position> at_least, reply<view_page> answer) override {
    queries.push_back(std::move(what));
    last_positions = std::move(at_least);
    answer(next_page);
  }
  json::value status() const override {
    return json::object{{"services", json::object{{"store", json::object{{"status", "up"}}}}}};
  }
  json::value service_health(std::string_view name) const override {
    return name == "store" ? json::value(json::object{{"status", "healthy"}}) : json::value();
  }
  bool ready() const override { return is_ready; }
  std::string metrics() const override { return "troupe_fake 1\n"; }
  instant now() const override { return instant{milliseconds{1'700'000'000'000}}; }
  result<json::value> fault(const json::value&) override { return missing("not_found"); }
  result<json::value> move_clock(const json::value&) override { return missing("not_found"); }
  void snapshot(std::string directory, reply<json::value> answer) override {
    snapshot_to = directory;
    answer(json::value(json::object{{"directory", json::string(directory)}, {"bytes", 1}}));
  }
  std::string snapshot_to;

private:
  catalog types_;
  std::uint64_t next_ = 0;
};

} // namespace troupe::test

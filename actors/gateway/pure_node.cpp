#include "actors/gateway/pure_node.hpp"

#include "persistence/store/digest.hpp"

#include <algorithm>
#include <map>

namespace troupe::gate {

namespace {

constexpr int turns_max = 16;

/// Large values of one run in memory.
class memory_blobs final : public blob_port {
public:
  blob_id save(std::string text) override {
    const blob_id id = sha256(text);
    texts_.emplace(id, std::move(text));
    return id;
  }
  result<shared_value> load(const blob_id& id) override {
    const auto found = texts_.find(id);
    if (found == texts_.end())
      return failure{failure_kind::internal, "blob_missing", "A value is missing.", {}, {}};
    auto parsed = json::parse(found->second, {256, std::size_t{64} << 20});
    if (!parsed)
      return std::move(parsed).error();
    return share(std::move(*parsed));
  }

private:
  std::map<blob_id, std::string> texts_;
};

/// What became of the node so far.
struct watcher {
  std::string_view node;
  const events::node_completed* completed = nullptr;
  const events::node_failed* failed = nullptr;
  const events::node_skipped* skipped = nullptr;

  bool mine(const place& at) const { return at.node == node && at.iteration.empty(); }
  void look(const event& e) {
    if (const auto* c = std::get_if<events::node_completed>(&e.what); c && mine(c->at))
      completed = c;
    if (const auto* f = std::get_if<events::node_failed>(&e.what); f && mine(f->at))
      failed = f;
    if (const auto* s = std::get_if<events::node_skipped>(&e.what); s && mine(s->at))
      skipped = s;
  }
  bool done() const { return completed != nullptr || failed != nullptr || skipped != nullptr; }
};

commands::any start_of(const plan& p, const shared_value& input, blob_port& blobs) {
  events::execution_started what;
  what.workflow_id = "node";
  what.workflow_name = p.workflow_name;
  what.workflow_version = 1;
  what.semantics = semantics_current;
  what.input = keep(input, blobs);
  what.vars = keep(json::value(json::object{}), blobs);
  what.trigger_type = "manual";
  what.priority = "normal";
  return commands::start{std::move(what)};
}

result<json::object> ports_of(const events::node_completed& what, blob_port& blobs) {
  json::object out;
  for (const auto& [port, value] : what.ports) {
    const auto loaded = value.get(blobs);
    if (!loaded)
      return loaded.error();
    auto& list = out[port];
    if (!list.is_array())
      list = json::array{};
    list.get_array().push_back(**loaded);
  }
  return out;
}

} // namespace

result<json::object> run_pure_node(const plan& p, std::string_view node, shared_value input,
                                   instant now, const run_id& id) {
  memory_blobs blobs;
  decide_context context{now, blobs, {}, 16, 16, 3, 256, std::chrono::hours{1}};
  run_state state;
  state.id = id;
  std::vector<commands::any> next{start_of(p, input, blobs)};
  std::vector<std::vector<event>> turns; // the watcher points into them
  watcher seen{node};
  for (int turn = 0; turn < turns_max && !seen.done() && !next.empty(); ++turn) {
    auto made = decide(p, state, next, context);
    if (!made.rejections.empty())
      return made.rejections.front().why;
    turns.push_back(std::move(made.events));
    for (const auto& e : turns.back())
      seen.look(e);
    next.clear();
    for (const auto& effect : owed(p, state))
      if (std::holds_alternative<effects::proceed>(effect))
        next.push_back(commands::proceed{});
  }
  if (seen.completed != nullptr)
    return ports_of(*seen.completed, blobs);
  if (seen.failed != nullptr)
    return invalid(seen.failed->error.code, seen.failed->error.message);
  if (seen.skipped != nullptr)
    return json::object{};
  if (!next.empty())
    return invalid("too_expensive", "The node takes too many turns to be run alone.");
  return invalid("needs_workflow", "This node waits for something: run it in a workflow.");
}

} // namespace troupe::gate

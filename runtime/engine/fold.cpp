#include "runtime/engine/replay.hpp"

#include "runtime/engine/codec.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// What an event needs to find in the state before it.
struct requirement {
  const plan& p;
  const run_state& s;
  using fault = std::optional<std::string>;

  fault node(const place& at) const {
    const auto ref = locate(p, at);
    const auto found = ref.node == no_index ? s.scopes.end() : s.scopes.find(ref.scope);
    if (found == s.scopes.end() || p.nodes[ref.node].slot >= found->second.slots.size())
      return "there is no node '" + at.node + "' in iteration '" + to_text(at.iteration) + "'";
    return {};
  }
  fault timer(std::uint64_t id) const {
    if (s.timers.contains(id))
      return {};
    return "timer " + std::to_string(id) + " is not set";
  }
  const loop_state* loop(const place& at) const {
    const auto found = s.loops.find(locate(p, at));
    return found == s.loops.end() ? nullptr : &found->second;
  }
  slot_ref inner(const place& at, std::uint32_t index) const {
    auto ref = locate(p, at);
    ref.scope.path.push_back(index);
    ref.scope.region = p.nodes[ref.node].body;
    return ref;
  }

  fault operator()(const events::execution_started&) const {
    if (s.seq != 0)
      return "the run has started already";
    return {};
  }
  fault operator()(const events::execution_admitted&) const {
    if (s.status != run_status::queued)
      return "the run is not queued";
    return {};
  }
  fault operator()(const events::timer_set& e) const {
    return e.purpose == timer_purpose::deadline ? fault{} : node(e.at);
  }
  fault operator()(const events::timer_fired& e) const { return timer(e.timer); }
  fault operator()(const events::timer_cancelled& e) const { return timer(e.timer); }
  fault operator()(const events::signal_taken& e) const {
    if (std::none_of(s.signals.begin(), s.signals.end(),
                     [&](const auto& one) { return one.name == e.name; }))
      return "no signal '" + e.name + "' has arrived";
    return node(e.at);
  }
  fault operator()(const events::iteration_started& e) const {
    if (auto missing = node(e.at))
      return missing;
    const auto* running = loop(e.at);
    if (!running || p.nodes[locate(p, e.at).node].body == no_index)
      return "'" + e.at.node + "' is no running loop";
    const auto& items = running->items.inline_value();
    if (e.item.empty() && items && items->is_array() && e.index >= items->get_array().size())
      return "item " + std::to_string(e.index) + " is beyond the loop's items";
    if (s.scopes.contains(inner(e.at, e.index).scope))
      return "iteration " + std::to_string(e.index) + " runs already";
    return {};
  }
  fault operator()(const events::iteration_finished& e) const {
    if (auto missing = node(e.at))
      return missing;
    if (!loop(e.at) || !s.scopes.contains(inner(e.at, e.index).scope))
      return "iteration " + std::to_string(e.index) + " does not run";
    return {};
  }
  fault operator()(const events::results_stored& e) const {
    if (auto missing = node(e.at))
      return missing;
    const auto* running = loop(e.at);
    if (!running || running->results.tail.size() != e.count)
      return "the loop has not these results";
    return {};
  }
  template <class Event> fault operator()(const Event& e) const {
    if constexpr (requires { e.at; })
      return node(e.at);
    return {};
  }
};

} // namespace

std::optional<std::string> fold_fault(const plan& p, const run_state& s, const event& e) {
  if (e.seq != s.seq + 1)
    return "event " + std::to_string(s.seq + 1) + " is missing";
  if (s.seq == 0 && !std::holds_alternative<events::execution_started>(e.what))
    return "a history begins with execution_started";
  return std::visit(requirement{p, s}, e.what);
}

result<run_state> fold(const plan& p, const run_id& id, std::span<const event> all) {
  run_state s;
  s.id = id;
  for (const auto& e : all) {
    if (auto fault = fold_fault(p, s, e))
      return failure{failure_kind::malformed,
                     "history_malformed",
                     "event " + std::to_string(e.seq) + " of " + to_text(id) + ": " + *fault,
                     {},
                     {}};
    evolve(p, s, e);
  }
  return s;
}

} // namespace troupe

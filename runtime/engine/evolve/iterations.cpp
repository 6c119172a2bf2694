#include "runtime/engine/evolve/apply.hpp"
#include "runtime/engine/evolve/frontier.hpp"

#include <algorithm>

namespace troupe::evolving {

namespace {

scope_key iteration_key(const plan& p, const slot_ref& loop, std::uint32_t index) {
  auto path = loop.scope.path;
  path.push_back(index);
  return {p.nodes[loop.node].body, std::move(path)};
}

/// What `$json` is in an iteration's body: the item, the number, or the last result.
value_ref item_of(const loop_state& loop, std::uint32_t index) {
  if (const auto& items = loop.items.inline_value(); items && items->is_array())
    return value_ref{share(items->get_array().at(index))};
  if (!loop.last.empty())
    return loop.last;
  return value_ref{share(index)};
}

} // namespace

void apply(const plan& p, run_state& s, const events::loop_started& e, instant now) {
  auto [at, what] = slot_of(p, s, e.at);
  unqueue(s, what, at);
  what.status = step_status::running;
  if (!what.started)
    what.started = now;
  auto& loop = s.loops[at];
  loop.items = e.items;
  loop.total = e.total;
}

void apply(const plan& p, run_state& s, const events::iteration_started& e, instant) {
  const auto at = slot_of(p, s, e.at).at;
  auto& loop = s.loops.at(at);
  loop.started = e.index + 1;
  ++loop.active;
  auto item = e.item.empty() ? item_of(loop, e.index) : e.item;
  open_scope(p, s, iteration_key(p, at, e.index), std::move(item));
}

void apply(const plan& p, run_state& s, const events::iteration_finished& e, instant) {
  const auto at = slot_of(p, s, e.at).at;
  auto& loop = s.loops.at(at);
  std::erase(loop.done, e.index);
  --loop.active;
  ++loop.finished;
  const bool streaming = p.nodes[at.node].kind != node_kind::loop;
  if (e.failed && !streaming) {
    ++loop.failed; // the iteration stays, so that a retry of the run goes on in it
    return;
  }
  erase_scope(p, s, iteration_key(p, at, e.index));
  if (!streaming) {
    loop.last = e.result;
    append_result(loop.results, e.index, e.result);
    return;
  }
  if (e.failed)
    ++s.counters.failed_root;
  if (loop.exhausted && loop.active == 0)
    s.loops.erase(at);
  close_one(p, s, at.scope);
}

void apply(const plan& p, run_state& s, const events::results_stored& e, instant) {
  auto& results = s.loops.at(slot_of(p, s, e.at).at).results;
  check(results.tail.size() == e.count, "a chunk holds what was in order");
  results.tail.clear();
  results.chunks.push_back(e.chunk);
}

void apply(const plan& p, run_state& s, const events::value_emitted& e, instant) {
  auto [at, what] = slot_of(p, s, e.at);
  ++what.emitted;
  auto& loop = s.loops[at];
  loop.started = e.index + 1;
  ++loop.active;
  ++s.scopes.at(at.scope).open; // the scope is not over before its streamed values are
  open_scope(p, s, iteration_key(p, at, e.index), e.value);
}

} // namespace troupe::evolving

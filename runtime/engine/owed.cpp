// Derives what the world is owed: from the state, or from what a turn added to it.
#include "runtime/engine/effect.hpp"

namespace troupe {

namespace {

bool in_flight(const plan& p, const slot& what, node_index node) noexcept {
  return what.status == step_status::running && what.attempt > 0 &&
         p.nodes[node].kind == node_kind::skill;
}

effects::run_attempt attempt_of(const plan& p, const run_state& s, const slot_ref& at,
                                const slot& what) {
  const auto& node = p.nodes[at.node];
  const bool other = what.fallback && node.fallback.node != no_index;
  const auto& as = other ? p.nodes[node.fallback.node] : node;
  effects::run_attempt effect;
  effect.at = place_of(p, at);
  effect.attempt = what.attempt;
  effect.effect = as.effect;
  effect.skill = what.skill;
  effect.parameters = what.parameters;
  effect.timeout = as.timeout;
  effect.idempotency_key = idempotency_key(s, effect.at);
  return effect;
}

bool overridden(const run_state& s, const std::string& node) {
  return s.overrides && json::find(*s.overrides, node) != nullptr;
}

/// Whether decide would find something to do without any news. May say yes too often, never too
/// seldom: a turn without events costs nothing.
bool may_proceed(const run_state& s) noexcept {
  return s.status == run_status::running && !s.paused && (!s.ready.empty() || !s.loops.empty());
}

} // namespace

std::string idempotency_key(const run_state& s, const place& at) {
  auto key = to_text(s.id) + "/" + at.node;
  if (!at.iteration.empty())
    key += "/" + to_text(at.iteration);
  if (s.attempt > 1 && overridden(s, at.node))
    key += "/r" + std::to_string(s.attempt);
  else if (s.input_attempt > 0)
    key += "/r" + std::to_string(s.input_attempt);
  return key;
}

std::vector<effects::any> owed(const plan& p, const run_state& s) {
  std::vector<effects::any> all;
  if (terminal(s.status))
    return all;
  for (const auto& [key, place] : s.scopes)
    for (std::uint32_t i = 0; i < place.slots.size(); ++i) {
      const slot_ref at{key, p.regions[key.region].nodes[i]};
      if (in_flight(p, place.slots[i], at.node))
        all.emplace_back(attempt_of(p, s, at, place.slots[i]));
    }
  for (const auto& [timer, info] : s.timers)
    all.emplace_back(effects::wake_at{timer, info.due});
  if (may_proceed(s))
    all.emplace_back(effects::proceed{});
  return all;
}

std::vector<effects::any> newly_owed(const plan& p, const run_state& after,
                                     const std::vector<event>& turn) {
  std::vector<effects::any> all;
  if (terminal(after.status) || turn.empty())
    return all;
  for (const auto& e : turn) {
    if (const auto* scheduled = std::get_if<events::node_scheduled>(&e.what)) {
      const auto at = locate(p, scheduled->at);
      const auto* what = find_slot(p, after, at);
      if (what && what->attempt == scheduled->attempt && in_flight(p, *what, at.node))
        all.emplace_back(attempt_of(p, after, at, *what));
    } else if (const auto* set = std::get_if<events::timer_set>(&e.what)) {
      if (after.timers.contains(set->timer))
        all.emplace_back(effects::wake_at{set->timer, set->due});
    }
  }
  if (std::holds_alternative<events::turn_yielded>(turn.back().what))
    all.emplace_back(effects::proceed{});
  return all;
}

} // namespace troupe

#include "runtime/engine/decide.hpp"

#include "runtime/engine/decide/turn.hpp"

namespace troupe {

namespace {

using namespace deciding;

bool may_go_on(const run_state& s) {
  return s.status == run_status::running && !s.paused;
}

/// Does the next thing that is ready. False when nothing can be done now.
bool step(turn& t) {
  if (step_loops(t))
    return true;
  for (std::size_t i = 0; i < t.s.ready.size(); ++i) {
    const auto at = t.s.ready[i];
    if (process(t, at))
      return true;
  }
  return false;
}

/// While something waits in other hands, the run's deadline must wake it.
void arm_deadline(turn& t) {
  if (t.s.status != run_status::running || !t.s.deadline || t.s.deadline_timer != 0)
    return;
  set_timer(t, {}, *t.s.deadline, timer_purpose::deadline);
}

bool waits_for_others(const turn& t) {
  if (t.s.running == 0)
    return t.s.ready.empty() || t.s.paused;
  for (const auto& [key, place] : t.s.scopes)
    for (std::uint32_t i = 0; i < place.slots.size(); ++i)
      if (place.slots[i].status == step_status::running &&
          t.p.nodes[t.p.regions[key.region].nodes[i]].effect == effect_class::io)
        return true;
  return false;
}

void advance(turn& t) {
  while (may_go_on(t.s)) {
    if (t.s.deadline && t.c.now >= *t.s.deadline)
      return finish(t, run_status::timed_out,
                    error_info{"timeout", "The run took longer than its timeout.", 0, false, {}});
    if (t.full()) {
      t.emit(events::turn_yielded{});
      return;
    }
    if (step(t))
      continue;
    if (t.s.scopes.at({}).open == 0)
      return conclude(t);
    break;
  }
  if (!t.events.empty() && waits_for_others(t))
    arm_deadline(t);
}

} // namespace

decision decide(const plan& p, run_state& state, std::span<const commands::any> what,
                const decide_context& context) {
  turn t{p, state, context, {}, 0, 0};
  decision made;
  bool accepted = false;
  for (std::size_t i = 0; i < what.size(); ++i) {
    auto no = std::visit([&](const auto& command) { return apply(t, command); }, what[i]);
    accepted = accepted || !no;
    if (no) {
      made.rejections.push_back(std::move(*no));
      made.rejected.push_back(i);
    }
  }
  if (accepted)
    advance(t);
  made.events = std::move(t.events);
  return made;
}

} // namespace troupe

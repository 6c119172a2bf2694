// A run that owes something and does not move: found by itself when its partition asks, told, and
// driven again from what is stored. That is safe because outcomes carry their attempt's number: one
// that comes late after all counts for nothing.
#include "actors/run/run_core.hpp"

#include <caf/send.hpp>

namespace troupe {

void run_core::on(const check_up&) {
  const auto& s = record_.state;
  const auto now = shared_.clock.elapsed();
  const bool moved = s.seq != checked_seq_ || checked_at_ == milliseconds(0);
  if (dead_ || moved || !record_.plan || s.status != run_status::running || s.paused) {
    checked_seq_ = s.seq;
    checked_at_ = now;
    for (auto& [at, step] : steps_)
      step.probed = false;
  } else if (now - checked_at_ >= shared_.settings.stuck_after) {
    if (const auto why = what_hangs(); !why.empty()) {
      checked_at_ = now;
      redrive(why);
    }
  }
  maybe_idle();
}

void run_core::on(const step_alive& m) {
  const auto at = steps_.find({m.at.node, m.at.iteration});
  if (at != steps_.end() && at->second.attempt == m.attempt)
    at->second.probed = false;
}

/// Empty: nothing does, as far as can be told now. Steps are asked, and looked at the next time.
std::string run_core::what_hangs() {
  if (flight_)
    return "a turn is not durable yet";
  for (const auto& [at, step] : steps_)
    if (step.probed)
      return "attempt " + std::to_string(step.attempt) + " of " + at.first + " was lost";
  bool unfinished = false;
  for (const auto& each : owed(*record_.plan, record_.state)) {
    const auto* attempt = std::get_if<effects::run_attempt>(&each);
    if (attempt && !steps_.contains({attempt->at.node, attempt->at.iteration}))
      return "attempt " + std::to_string(attempt->attempt) + " of " + attempt->at.node +
             " was never made";
    unfinished = unfinished || std::holds_alternative<effects::proceed>(each);
  }
  for (auto& [at, step] : steps_) {
    step.probed = true;
    caf::anon_send(step.actor, probe_step{});
  }
  if (!unfinished)
    return {};
  // Loops look unfinished while their steps run: only a turn that is really owed has events.
  inbox_.push_back({commands::proceed{}, {}, {}});
  pump();
  return flight_ ? "its next turn was not begun" : "";
}

void run_core::redrive(std::string_view why) {
  shared_.metrics.stuck.add();
  shared_.stuck.note(run_, "execution_stuck", "the execution did not move: " + std::string(why),
                     shared_.clock.elapsed());
  log::warning("run", "execution stuck",
               {{"execution_id", std::string_view(to_text(run_))},
                {"workflow_id", std::string_view(record_.state.start.workflow_id)},
                {"why", why},
                {"driven_again", !flight_}});
  // What is in flight lands or is refused: with a second writer it could land twice.
  if (flight_)
    return;
  stop();
  loaded_ = false;
  if (ready())
    pump();
}

} // namespace troupe

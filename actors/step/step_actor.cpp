#include "actors/step/step_actor.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/handlers.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

struct step_state {
  std::shared_ptr<skill_call> call;
  run_id run{};
  place at;
  std::uint32_t attempt = 0;
  bool counted = false;
  inline static const char* name = "step";
};

using step_pointer = step_actor::stateful_pointer<step_state>;

/// The process may have stood still since the run looked: who leads now may have begun it anew.
void begin(step_pointer self, engine_shared& shared, const run_actor& run, run_step& m) {
  if (!shared.log.may_act(partition_of(m.task.run), m.term)) {
    caf::anon_send(run, step_ended{std::move(m.task.at), m.task.attempt, {}, false});
    return self->quit();
  }
  auto& s = self->state;
  s.run = m.task.run;
  s.at = m.task.at;
  s.attempt = m.task.attempt;
  s.counted = true;
  shared.metrics.steps_live.add();
  const step_actor me{self};
  s.call = shared.skills->start(
      std::move(m.task),
      [me](attempt_outcome outcome) { caf::anon_send(me, step_outcome{std::move(outcome)}); },
      [run](std::string kind, std::shared_ptr<const std::string> json) {
        caf::anon_send(run, step_live{std::move(kind), std::move(json)});
      });
}

void end(step_pointer self, engine_shared& shared, const run_actor& run, attempt_outcome outcome) {
  auto& s = self->state;
  if (!s.counted)
    return;
  s.counted = false;
  shared.metrics.steps_live.sub();
  if (!told_to_drop(shared, "outcome", s.run))
    caf::anon_send(run, step_ended{std::move(s.at), s.attempt, std::move(outcome)});
  self->quit();
}

step_actor::behavior_type behave_as_step(step_pointer self, engine_shared* shared, run_actor run) {
  drop_unexpected(self, "step");
  const auto failed = [=] {
    end(self, *shared, run, failed_attempt("internal", "the step's executor failed", false));
  };
  return {
      [=](run_step& m) {
        guarded(
            "step", [&] { begin(self, *shared, run, m); }, failed);
      },
      [=](abort_step&) {
        if (self->state.call)
          self->state.call->abort();
        if (std::exchange(self->state.counted, false))
          shared->metrics.steps_live.sub();
        self->quit();
      },
      [=](probe_step&) {
        if (self->state.counted)
          caf::anon_send(run, step_alive{self->state.at, self->state.attempt});
      },
      [=](step_outcome& m) {
        guarded(
            "step", [&] { end(self, *shared, run, std::move(m.outcome)); }, failed);
      },
  };
}

} // namespace

step_actor spawn_step_actor(caf::actor_system& system, engine_shared& shared,
                            const run_actor& run) {
  return system.spawn(behave_as_step, &shared, run);
}

} // namespace troupe

#include "actors/run/run_actor.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/handlers.hpp"
#include "actors/run/run_core.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

struct run_actor_state {
  std::unique_ptr<run_core> core;
  inline static const char* name = "run";
};

run_actor::behavior_type behave_as_run(run_actor::stateful_pointer<run_actor_state> self,
                                       engine_shared* shared, run_spawn what) {
  drop_unexpected(self, "run");
  auto* state = &self->state;
  state->core = std::make_unique<run_core>(*shared, what, run_actor{self});
  const auto handle = [state, shared, name = "run:" + to_text(what.run)](auto& m) {
    guarded(
        "run",
        [&] {
          suffer_faults(*shared, name);
          state->core->on(m);
        },
        [&] { state->core->crashed(); });
    state->core->handled();
  };
  const auto counted = [state, handle](auto& m) {
    state->core->received();
    handle(m);
  };
  return {
      [=](begin_run& m) { counted(m); },
      [=](join_run& m) { counted(m); },
      [=](command_run& m) { counted(m); },
      [=](ask_run& m) { counted(m); },
      [=](watch_run& m) { counted(m); },
      [=](wait_over& m) { counted(m); },
      [=](check_up& m) { counted(m); },
      [=](step_alive& m) { handle(m); },
      [=](settled& m) { handle(m); },
      [=](step_ended& m) { handle(m); },
      [=](step_live& m) { handle(m); },
      [=](stop_run& m) {
        guarded(
            "run", [&] { m.why ? state->core->give_up(*m.why, false) : state->core->stop(); },
            [&] { shared->metrics.crashes.add(); });
        self->quit();
      },
  };
}

} // namespace

run_actor spawn_run_actor(caf::actor_system& system, engine_shared& shared, const run_spawn& what) {
  return system.spawn(behave_as_run, &shared, what);
}

} // namespace troupe

#include "actors/run/run_actor.hpp"

#include "actors/base/handlers.hpp"
#include "actors/run/run_core.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

struct run_actor_state {
  std::unique_ptr<run_core> core;
  inline static const char* name = "run";
};

/// Tests may tell a run to fail once: the next message throws like a bug would.
void crash_if_told(engine_shared& shared, const run_id& run) {
  if (shared.crashes_left.load(std::memory_order_relaxed) == 0)
    return;
  const std::lock_guard lock(shared.faults_mutex);
  const auto at = shared.crashes.find("run:" + to_text(run));
  if (at == shared.crashes.end())
    return;
  if (--at->second <= 0)
    shared.crashes.erase(at);
  --shared.crashes_left;
  (void)std::string().at(1); // fails like a bug of ours would: by an exception
}

run_actor::behavior_type behave(run_actor::stateful_pointer<run_actor_state> self,
                                engine_shared* shared, run_spawn what) {
  drop_unexpected(self, "run");
  auto* state = &self->state;
  state->core = std::make_unique<run_core>(*shared, what, run_actor{self});
  const auto handle = [state, shared, run = what.run](auto& m) {
    guarded(
        "run",
        [&] {
          crash_if_told(*shared, run);
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
      [=](settled& m) { handle(m); },
      [=](step_ended& m) { handle(m); },
      [=](step_live& m) { handle(m); },
      [=](stop_run&) {
        state->core->stop();
        self->quit();
      },
  };
}

} // namespace

run_actor spawn_run_actor(caf::actor_system& system, engine_shared& shared, const run_spawn& what) {
  return system.spawn(behave, &shared, what);
}

} // namespace troupe

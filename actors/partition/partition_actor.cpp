#include "actors/partition/partition_actor.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/handlers.hpp"
#include "actors/partition/partition_core.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

struct partition_state {
  std::unique_ptr<partition_core> core;
  milliseconds tick_at{0}; ///< when the next tick is due; 0: none under way
  bool closed = false;
  inline static const char* name = "partition";
};

using pointer = partition_actor::stateful_pointer<partition_state>;

/// One delayed message for the next thing that is due; CAF cannot cancel any.
void wake_next(pointer self, const engine_clock& clock) {
  auto& s = self->state;
  if (s.closed)
    return;
  const auto wait = s.core->next_wake();
  const auto at = clock.elapsed() + wait;
  if (s.tick_at > milliseconds(0) && s.tick_at <= at)
    return;
  s.tick_at = at;
  self->delayed_send(self, wait, partition_tick{});
}

partition_actor::behavior_type behave_as_partition(pointer self, engine_shared* shared,
                                                   partition_id partition) {
  drop_unexpected(self, "partition");
  self->state.core = std::make_unique<partition_core>(*shared, partition, partition_actor{self});
  const auto name = "partition:" + std::to_string(number(partition));
  const auto handle = [self, shared, name](auto& m) {
    guarded(
        "partition",
        [&] {
          suffer_faults(*shared, name);
          self->state.core->on(m);
        },
        [&] { shared->metrics.crashes.add(); });
    wake_next(self, shared->clock);
  };
  return {
      [=](start_run& m) { handle(m); },
      [=](command_run& m) { handle(m); },
      [=](ask_run& m) { handle(m); },
      [=](watch_run& m) { handle(m); },
      [=](purge_runs& m) { handle(m); },
      [=](run_idle& m) { handle(m); },
      [=](timers_armed& m) { handle(m); },
      [=](run_news& m) { handle(m); },
      [=](run_granted& m) { handle(m); },
      [=](outbox_added& m) { handle(m); },
      [=](deliver& m) { handle(m); },
      [=](delivered& m) { handle(m); },
      [=](settled& m) { handle(m); },
      [=](open_partition& m) { handle(m); },
      [=](partition_tick& m) {
        // A tick that was overtaken by an earlier one has nothing to do.
        if (shared->clock.elapsed() < self->state.tick_at)
          return;
        self->state.tick_at = milliseconds(0);
        handle(m);
      },
      [=](close_partition& m) {
        self->state.closed = true;
        handle(m);
        self->quit();
      },
  };
}

} // namespace

partition_actor spawn_partition_actor(caf::actor_system& system, engine_shared& shared,
                                      partition_id partition) {
  return system.spawn(behave_as_partition, &shared, partition);
}

} // namespace troupe

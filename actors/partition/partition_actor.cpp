#include "actors/partition/partition_actor.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/handlers.hpp"
#include "actors/partition/partition_core.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

//   closed ──open_partition{term}──► open ──leave_partition──► closed
//                                    │  ▲
//                                    └──┘ open_partition of another term: left and opened anew
struct partition_state {
  std::unique_ptr<partition_core> core; ///< of the leadership that goes on; empty: none does
  milliseconds tick_at{0};              ///< when the next tick is due; 0: none under way
  bool closed = false;
  inline static const char* name = "partition";
};

using pointer = partition_actor::stateful_pointer<partition_state>;

/// One delayed message for the next thing that is due; CAF cannot cancel any.
void wake_next(pointer self, const engine_clock& clock) {
  auto& s = self->state;
  if (s.closed || !s.core)
    return;
  const auto wait = s.core->next_wake();
  const auto at = clock.elapsed() + wait;
  if (s.tick_at > milliseconds(0) && s.tick_at <= at)
    return;
  s.tick_at = at;
  self->delayed_send(self, wait, partition_tick{});
}

/// A run of a former leadership knows nothing of what was committed since.
template <class Message> bool of_another_term(const partition_core& core, const Message& m) {
  if constexpr (requires { m.term; })
    return m.term != core.term();
  else
    return false;
}

template <class Message>
void pass_on(partition_core* core, engine_shared& shared, partition_id partition, Message& m) {
  if (core && !of_another_term(*core, m))
    core->on(m);
  else if (!core)
    refuse(m, not_open(shared, partition));
}

void leave(partition_state& s) {
  if (const auto core = std::move(s.core))
    core->leave();
}

/// What the log told may be overtaken: what holds now decides.
void open(pointer self, engine_shared& shared, partition_id partition, const open_partition& m) {
  auto& core = self->state.core;
  if (!leads_under(shared, partition, m.term) || (core && core->term() == m.term))
    return;
  leave(self->state);
  core = std::make_unique<partition_core>(shared, partition, m.term, partition_actor{self});
  core->on(m);
}

void leave_if_lost(partition_state& s, const engine_shared& shared, partition_id partition) {
  if (s.core && !leads_under(shared, partition, s.core->term()))
    leave(s);
}

partition_actor::behavior_type behave_as_partition(pointer self, engine_shared* shared,
                                                   partition_id partition) {
  drop_unexpected(self, "partition");
  const auto name = "partition:" + std::to_string(number(partition));
  const auto safely = [self, shared](const auto& work) {
    guarded("partition", work, [&] { shared->metrics.crashes.add(); });
    wake_next(self, shared->clock);
  };
  const auto handle = [=](auto& m) {
    safely([&] {
      suffer_faults(*shared, name);
      pass_on(self->state.core.get(), *shared, partition, m);
    });
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
      [=](open_partition& m) { safely([&] { open(self, *shared, partition, m); }); },
      [=](leave_partition&) { safely([&] { leave_if_lost(self->state, *shared, partition); }); },
      [=](partition_tick& m) {
        // A tick that was overtaken by an earlier one has nothing to do.
        if (!m.probe && shared->clock.elapsed() < self->state.tick_at)
          return;
        if (!m.probe)
          self->state.tick_at = milliseconds(0);
        handle(m);
      },
      [=](close_partition& m) {
        self->state.closed = true;
        if (self->state.core)
          handle(m);
        else
          m.answer(done_at{});
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

#include "actors/limits/limiter_actor.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/handlers.hpp"
#include "actors/limits/token_table.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

/// A message that fails so often will go on failing.
constexpr int tries_max = 3;

struct limiter_state {
  std::unique_ptr<token_table> tokens;
  inline static const char* name = "limiter";
};

void tell(engine_shared& shared, const run_id& run, bool at_once, bool queued) {
  caf::anon_send(shared.partition(partition_of(run)), run_granted{run, at_once, queued});
}

/// Nothing is told before the fault point: what fails is done again, and nobody hears it twice.
void handle(engine_shared& shared, token_table& tokens, const token_wanted& m) {
  const token_request want{m.run, m.workflow, m.workflow_max, priority_from_text(m.priority)};
  bool runs = true;
  if (m.held)
    tokens.reclaim(want);
  else
    runs = tokens.acquire(want);
  suffer_faults(shared, "limiter");
  if (!m.held)
    tell(shared, m.run, true, !runs);
}

void handle(engine_shared& shared, token_table& tokens, const token_free& m) {
  tokens.release(m.run);
  suffer_faults(shared, "limiter");
}

/// A limit that is exceeded by one run is better than a start that never answers.
void give_up(engine_shared& shared, const token_wanted& m) {
  if (!m.held)
    tell(shared, m.run, true, false);
}
void give_up(engine_shared&, const token_free&) {}

template <class Message> void on(engine_shared& shared, token_table& tokens, const Message& m) {
  bool done = false;
  for (int i = 0; i < tries_max && !done; ++i)
    guarded(
        "limiter",
        [&] {
          handle(shared, tokens, m);
          done = true;
        },
        [&] {
          shared.metrics.crashes.add();
          tokens.repair();
        });
  if (!done)
    give_up(shared, m);
  for (const auto& run : tokens.take_granted())
    tell(shared, run, false, false);
}

limiter_actor::behavior_type behave_as_limiter(limiter_actor::stateful_pointer<limiter_state> self,
                                               engine_shared* shared) {
  drop_unexpected(self, "limiter");
  self->state.tokens = std::make_unique<token_table>(shared->settings.executions_max);
  return {
      [=](token_wanted& m) { on(*shared, *self->state.tokens, m); },
      [=](token_free& m) { on(*shared, *self->state.tokens, m); },
  };
}

} // namespace

limiter_actor spawn_limiter_actor(caf::actor_system& system, engine_shared& shared) {
  return system.spawn(behave_as_limiter, &shared);
}

} // namespace troupe

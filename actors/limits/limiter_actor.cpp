#include "actors/limits/limiter_actor.hpp"

#include "actors/base/handlers.hpp"
#include "actors/limits/token_table.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

struct limiter_state {
  std::unique_ptr<token_table> tokens;
  inline static const char* name = "limiter";
};

limiter_actor::behavior_type behave(limiter_actor::stateful_pointer<limiter_state> self,
                                    engine_shared* shared) {
  drop_unexpected(self, "limiter");
  self->state.tokens = std::make_unique<token_table>(shared->settings.executions_max);
  const auto tell = [shared](const run_id& run, bool queued) {
    caf::anon_send(shared->partition(partition_of(run)), run_granted{run, true, queued});
  };
  return {
      [=](token_wanted& m) {
        const token_request want{m.run, m.workflow, m.workflow_max, priority_from_text(m.priority)};
        if (m.held)
          self->state.tokens->reclaim(want);
        else
          tell(m.run, !self->state.tokens->acquire(want));
      },
      [=](token_free& m) {
        for (const auto& run : self->state.tokens->release(m.run))
          tell(run, false);
      },
  };
}

} // namespace

limiter_actor spawn_limiter_actor(caf::actor_system& system, engine_shared& shared) {
  return system.spawn(behave, &shared);
}

} // namespace troupe

#include "actors/limits/limiter_actor.hpp"

#include "actors/base/faults.hpp"
#include "actors/base/handlers.hpp"
#include "actors/limits/shared_tokens.hpp"
#include "actors/limits/token_table.hpp"

#include <caf/all.hpp>

namespace troupe {

namespace {

/// A message that fails so often will go on failing.
constexpr int tries_max = 3;

/// Either the tokens of a node that is alone, or its part of a cluster's.
struct limiter_state {
  std::unique_ptr<token_table> tokens;
  std::map<partition_id, std::uint64_t> terms; ///< under which each partition asked last
  std::unique_ptr<shared_tokens> cluster;
  std::optional<milliseconds> tick_at; ///< of the tick that is under way
  inline static const char* name = "limiter";
};

using pointer = limiter_actor::stateful_pointer<limiter_state>;

void tell(engine_shared& shared, const run_id& run, std::uint64_t term, bool at_once, bool queued) {
  caf::anon_send(shared.partition(partition_of(run)), run_granted{run, term, at_once, queued});
}

/// Nothing is told before the fault point: what fails is done again, and nobody hears it twice.
void handle(engine_shared& shared, limiter_state& s, const token_wanted& m) {
  const token_request want{m.run, m.workflow, m.workflow_max, priority_from_text(m.priority)};
  bool runs = true;
  s.terms[partition_of(m.run)] = m.term;
  if (m.held)
    s.tokens->reclaim(want);
  else
    runs = s.tokens->acquire(want);
  suffer_faults(shared, "limiter");
  if (!m.held)
    tell(shared, m.run, m.term, true, !runs);
}

void handle(engine_shared& shared, limiter_state& s, const token_free& m) {
  s.tokens->release(m.run);
  suffer_faults(shared, "limiter");
}

/// A limit that is exceeded by one run is better than a start that never answers.
void give_up(engine_shared& shared, const token_wanted& m) {
  if (!m.held)
    tell(shared, m.run, m.term, true, false);
}
void give_up(engine_shared&, const token_free&) {}

template <class Message> void alone(engine_shared& shared, limiter_state& s, const Message& m) {
  bool done = false;
  for (int i = 0; i < tries_max && !done; ++i)
    guarded(
        "limiter",
        [&] {
          handle(shared, s, m);
          done = true;
        },
        [&] {
          shared.metrics.crashes.add();
          s.tokens->repair();
        });
  if (!done)
    give_up(shared, m);
  for (const auto& run : s.tokens->take_granted())
    tell(shared, run, s.terms[partition_of(run)], false, false);
}

void alone(engine_shared& shared, limiter_state& s, const token_claims& m) {
  for (const auto& each : m.claims)
    alone(shared, s, each);
}

/// One delayed message for the next thing that is due; CAF cannot cancel any.
void wake_at(pointer self, const engine_clock& clock, std::optional<milliseconds> at) {
  constexpr milliseconds pause_min{5};
  auto& s = self->state;
  if (!at || (s.tick_at && *s.tick_at <= *at))
    return;
  s.tick_at = at;
  self->delayed_send(self, std::max(pause_min, *at - clock.elapsed()), token_tick{});
}

template <class Work> void together(pointer self, engine_shared& shared, const Work& work) {
  bool done = false;
  for (int i = 0; i < tries_max && !done; ++i)
    guarded(
        "limiter",
        [&] {
          suffer_faults(shared, "limiter");
          work(*self->state.cluster);
          done = true;
        },
        [&] { shared.metrics.crashes.add(); });
  guarded(
      "limiter",
      [&] { wake_at(self, shared.clock, self->state.cluster->flush(limiter_actor{self})); },
      [&] { shared.metrics.crashes.add(); });
}

limiter_actor::behavior_type behave_as_limiter(pointer self, engine_shared* shared) {
  drop_unexpected(self, "limiter");
  auto& s = self->state;
  if (shared->link)
    s.cluster = std::make_unique<shared_tokens>(*shared);
  else
    s.tokens = std::make_unique<token_table>(shared->settings.executions_max);
  const auto either = [=](auto& m) {
    if (self->state.cluster)
      together(self, *shared, [&](shared_tokens& tokens) { tokens.on(m); });
    else
      alone(*shared, self->state, m);
  };
  const auto cluster_only = [=](auto& m) {
    if (self->state.cluster)
      together(self, *shared, [&](shared_tokens& tokens) { tokens.on(m); });
  };
  return {
      [=](token_wanted& m) { either(m); },
      [=](token_free& m) { either(m); },
      [=](token_claims& m) { either(m); },
      [=](token_mail& m) { cluster_only(m); },
      [=](token_settled& m) { cluster_only(m); },
      [=](token_tick&) {
        // One that was overtaken by an earlier one finds nothing to do.
        self->state.tick_at.reset();
        if (self->state.cluster)
          together(self, *shared, [](shared_tokens&) {});
      },
  };
}

} // namespace

limiter_actor spawn_limiter_actor(caf::actor_system& system, engine_shared& shared) {
  return system.spawn(behave_as_limiter, &shared);
}

} // namespace troupe

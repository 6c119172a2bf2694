// Seeded simulation of the core: random graphs, random outcomes, crashes after turns, repeated and
// late outcomes. The same seed gives the same trace. `./dev sim` runs many seeds.
#include "tests/engine/harness.hpp"
#include "tests/engine/random_definition.hpp"

#include "runtime/engine/replay.hpp"
#include "runtime/engine/snapshot.hpp"

#include <cstdlib>
#include <iostream>

namespace troupe {
namespace {

using namespace test;

std::uint64_t from_environment(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text ? std::strtoull(text, nullptr, 10) : otherwise;
}

/// What the world answers depends on the step alone, so that every schedule gives the same results.
core_run::executor world(std::uint64_t seed) {
  return [seed](const effects::run_attempt& a) -> std::optional<attempt_outcome> {
    const auto key = a.at.node + "/" + to_text(a.at.iteration);
    prng random{hash64(key, seed)};
    const auto kind = a.skill == "work" ? random.below(10) : 9;
    if (kind == 0)
      return fail_with("permanent", false);
    if (kind == 1)
      return fail_with("flaky", true);
    return succeed(random.below(2) == 0 ? json::value(true) : json::value(json::array{}));
  };
}

struct simulated {
  std::string trace, status;
  std::uint64_t hash = 0;
  json::value outputs;
};

class simulation {
public:
  simulation(std::uint64_t seed, plan_ptr p, bool faults, turn_limits limits)
      : random_(seed ^ 0xabcdef), faults_(faults), run_(std::move(p), world(seed), limits) {}

  simulated go() {
    run_.after_turn = [this] { compare_with_replay(); };
    run_.start(json::object{{"n", 1}});
    for (int i = 0; i < 5'000 && !terminal(run_.state.status); ++i)
      advance();
    EXPECT_TRUE(terminal(run_.state.status)) << "the run never ended: " << run_.trace();
    expect_each_step_finished_once();
    expect_same_decisions();
    return {run_.trace(), run_.status(), state_hash(run_.state), outputs()};
  }

private:
  void advance() {
    if (faults_ && random_.below(6) == 0)
      run_.crash();
    if (run_.step() || run_.next_timer())
      return;
    decide_reviews();
  }

  void decide_reviews() {
    for (const auto& [key, place] : run_.state.scopes)
      for (const auto& what : place.slots)
        if (what.status == step_status::waiting && what.wait == wait_kind::review) {
          const auto review = what.name;
          run_.give({commands::decide_review{review, true, {}, {}, {}}});
          return;
        }
  }

  void compare_with_replay() {
    ASSERT_EQ(state_hash(run_.fold()), state_hash(run_.state)) << run_.trace();
  }

  void expect_each_step_finished_once() {
    std::set<std::string> finished;
    for (const auto& e : run_.history) {
      const auto* done = std::get_if<events::node_completed>(&e.what);
      if (!done)
        continue;
      const auto key = done->at.node + "/" + to_text(done->at.iteration);
      EXPECT_TRUE(finished.insert(key).second) << key << " completed twice";
    }
  }

  /// The recorded facts, decided again, give the recorded decisions.
  void expect_same_decisions() {
    const auto compared = redecide(run_.the_plan(), run_.state.id, run_.turns,
                                   [this](instant at) { return run_.context_at(at); });
    ASSERT_TRUE(compared) << compared.error().message;
    EXPECT_TRUE(compared->equal())
        << "recorded " << compared->first->recorded << "\ndecided " << compared->first->decided;
  }

  json::value outputs() {
    json::object all;
    const auto& p = run_.the_plan();
    for (node_index n = 0; n < p.nodes.size(); ++n)
      if (const auto* what = find_slot(p, run_.state, {{}, n}))
        all[p.nodes[n].id] = to_text(what->status);
    return all;
  }

  prng random_;
  bool faults_;
  core_run run_;
};

/// The world's answer must not depend on interruptions: three in a row quarantine a run, so the
/// faulty run may end otherwise only in that way.
void simulate(std::uint64_t seed) {
  SCOPED_TRACE("reproduce with: ./dev sim --seed " + std::to_string(seed));
  const auto definition = random_definition{seed}.make();
  const auto p = plan_of(json::write(definition));
  ASSERT_TRUE(p) << json::write(definition);
  const auto calm = simulation{seed, p, false, {}}.go();
  const auto again = simulation{seed, p, false, {}}.go();
  EXPECT_EQ(calm.trace, again.trace);
  EXPECT_EQ(calm.hash, again.hash);
  const auto tiny = simulation{seed, p, false, {1, 1, 1}}.go();
  EXPECT_EQ(calm.status, tiny.status);
  EXPECT_EQ(calm.outputs, tiny.outputs);
  const auto faulty = simulation{seed, p, true, {}}.go();
  if (faulty.trace.find("attempt_interrupted") == std::string::npos) {
    EXPECT_EQ(calm.status, faulty.status);
  }
}

TEST(Simulation, HoldsForEverySeed) {
  const auto first = from_environment("TROUPE_SEED", 1);
  const auto count = from_environment("TROUPE_SEEDS", std::getenv("TROUPE_SEED") ? 1 : 500);
  for (std::uint64_t seed = first; seed < first + count; ++seed) {
    simulate(seed);
    if (HasFailure()) {
      std::cout << "first failing seed: " << seed << "\n";
      break;
    }
  }
  std::cout << count << " seeds\n";
}

} // namespace
} // namespace troupe

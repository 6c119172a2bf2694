// Whole clusters over random faults: what each promises holds after every step, and once nothing
// fails any more everything ends and is the same everywhere.
#include "tests/simulation/run.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace troupe::test {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* set = std::getenv(variable);
  return set ? std::strtoull(set, nullptr, 10) : otherwise;
}

simulation_plan plan_from_environment() {
  simulation_plan plan;
  plan.seed = number_from("TROUPE_SEED", plan.seed);
  plan.steps = number_from("TROUPE_STEPS", plan.steps);
  if (const char* without = std::getenv("TROUPE_WITHOUT"))
    plan.without = without;
  return plan;
}

template <class Counts> void add(Counts& to, const Counts& more) {
  constexpr auto count = sizeof(Counts) / sizeof(std::uint64_t);
  auto* sum = reinterpret_cast<std::uint64_t*>(&to);
  const auto* each = reinterpret_cast<const std::uint64_t*>(&more);
  for (std::size_t i = 0; i < count; ++i)
    sum[i] += each[i];
}

void print(std::uint64_t seeds, std::uint64_t virtual_ms, const work_counts& w,
           const fault_counts& f) {
  const auto line = [](std::initializer_list<std::pair<std::uint64_t, const char*>> parts) {
    std::string text;
    for (const auto& [count, what] : parts)
      text += (text.empty() ? "" : ", ") + std::to_string(count) + " " + what;
    std::printf("%s\n", text.c_str());
  };
  line({{seeds, "seeds"},
        {virtual_ms / 1'000, "s of virtual time"},
        {w.steps, "steps"},
        {w.operations, "operations"},
        {w.acknowledged, "acknowledged"},
        {w.runs, "runs"},
        {w.entries, "entries"}});
  line({{w.effects, "effects"},
        {w.executed, "executed"},
        {w.repeated, "repeated in flight"},
        {w.interrupted, "interrupted"},
        {w.timers, "timers"}});
  line({{f.crashes, "crashes"},
        {f.in_a_write, "in a write"},
        {f.unsynced_lost, "writes lost"},
        {f.full_disks, "full disks"},
        {f.cuts, "cuts"},
        {f.lost, "messages lost"},
        {f.repeated, "repeated"},
        {f.slow, "late"},
        {f.frozen, "frozen"},
        {f.jumps, "clock jumps"},
        {f.transfers, "drains"},
        {f.trims, "trims"},
        {f.calls_lost, "calls lost"},
        {f.answers_lost, "answers lost"},
        {f.calls_failed, "calls failed"}});
}

TEST(ClusterSimulation, KeepsItsPromises) {
  auto plan = plan_from_environment();
  const auto count = number_from("TROUPE_SEEDS", std::getenv("TROUPE_SEED") ? 1 : 300);
  work_counts work;
  fault_counts faults;
  std::uint64_t virtual_ms = 0;
  const bool shrinks = !std::getenv("TROUPE_STEPS") && plan.without.empty();
  for (const auto end = plan.seed + count; plan.seed < end && !HasFailure(); ++plan.seed) {
    const auto one = simulate(plan);
    add(work, one.work);
    add(faults, one.faults);
    virtual_ms += one.virtual_ms;
    if (one.broken.empty())
      continue;
    ADD_FAILURE() << one.broken << "\nto see it again: " << command_for(plan);
    if (shrinks) {
      const auto least = shrink(plan);
      std::printf("the least that fails: %s\n%s\n", command_for(least).c_str(),
                  simulate(least).broken.c_str());
    } else {
      std::printf("%s", one.left.c_str());
    }
  }
  print(count, virtual_ms, work, faults);
  if (count >= 100) {
    EXPECT_GT(work.acknowledged, 20 * count);
    EXPECT_GT(work.effects, 10 * count);
    EXPECT_GT(faults.crashes, count);
  }
}

TEST(ClusterSimulation, TheSameSeedHasTheSameTrace) {
  for (std::uint64_t seed = 1; seed <= 3; ++seed)
    EXPECT_EQ(simulate({seed, 3'000, {}}).trace, simulate({seed, 3'000, {}}).trace);
}

} // namespace
} // namespace troupe::test

// Raft's promises over random faults: one leader a term, equal logs up to the commit, nothing that
// was committed is lost, and a healed cluster goes on.
#include "tests/consensus/cluster.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace troupe::test {
namespace {

std::uint64_t number_from(const char* variable, std::uint64_t otherwise) {
  const char* set = std::getenv(variable);
  return set ? std::strtoull(set, nullptr, 10) : otherwise;
}

struct totals {
  std::uint64_t virtual_ms = 0, committed = 0, acknowledged = 0, leased = 0, trace = 0;
};

totals run(std::uint64_t seed) {
  prng choose(seed * 2 + 1);
  const std::size_t nodes = 1 + choose.below(5), voters = 1 + choose.below(nodes);
  const auto up_to = [&choose](unsigned most) {
    return static_cast<unsigned>(choose.below(most + 1));
  };
  const cluster::faults how{up_to(10), up_to(5),  up_to(20), up_to(10),
                            up_to(30), up_to(10), up_to(20), up_to(5)};
  cluster all(seed, nodes, voters, how);
  for (int i = 0; i < 4'000 && all.broken().empty(); ++i)
    all.step();
  if (all.broken().empty())
    all.heal();
  EXPECT_EQ(all.broken(), "") << "to see it again: ./dev sim cluster --seed " << seed;
  return {all.now_ms(), all.committed(), all.acknowledged(), all.leased(), all.trace()};
}

TEST(RaftSimulation, KeepsItsPromises) {
  const auto first = number_from("TROUPE_SEED", 1), count = number_from("TROUPE_SEEDS", 300);
  totals sum;
  for (auto seed = first; seed < first + count && !::testing::Test::HasFailure(); ++seed) {
    const auto one = run(seed);
    sum.virtual_ms += one.virtual_ms;
    sum.committed += one.committed;
    sum.acknowledged += one.acknowledged;
    sum.leased += one.leased;
  }
  EXPECT_GT(sum.acknowledged, 10 * count);
  EXPECT_GT(sum.leased, 500 * count) << "there is hardly a lease to check";
  std::printf("%llu seeds, %llu s of virtual time, %llu entries committed, %llu acknowledged\n",
              static_cast<unsigned long long>(count),
              static_cast<unsigned long long>(sum.virtual_ms / 1'000),
              static_cast<unsigned long long>(sum.committed),
              static_cast<unsigned long long>(sum.acknowledged));
}

TEST(RaftSimulation, TheSameSeedGivesTheSameTrace) {
  for (std::uint64_t seed = 1; seed <= 5; ++seed)
    EXPECT_EQ(run(seed).trace, run(seed).trace);
}

} // namespace
} // namespace troupe::test

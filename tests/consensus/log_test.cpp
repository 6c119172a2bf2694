// The log with peers: what was acknowledged stays, and every replica becomes the same.
#include "tests/consensus/log_cluster.hpp"

#include <gtest/gtest.h>

#include <cstdlib>

namespace troupe::test {

namespace {

struct run_of_seed {
  std::string broken;
  std::size_t acknowledged = 0, transfers = 0;
  std::uint64_t trace = 0, virtual_ms = 0;
};

run_of_seed run_seed(std::uint64_t seed) {
  prng random(seed);
  log_cluster::faults how;
  how.grow = random.below(3) == 0;
  how.trim = static_cast<unsigned>(random.below(50));
  how.full = static_cast<unsigned>(random.below(3));
  log_cluster all(seed, 3, how);
  for (int i = 0; i < 6'000 && all.broken().empty(); ++i)
    all.step();
  if (all.broken().empty())
    all.heal();
  return {all.broken(), all.acknowledged(), all.transfers(), all.trace(), all.now_ms()};
}

} // namespace

TEST(LogSimulation, NothingAcknowledgedIsLostAndReplicasAreEqual) {
  const auto* one = std::getenv("TROUPE_SEED");
  const auto* many = std::getenv("TROUPE_SEEDS");
  const std::uint64_t from = one ? std::strtoull(one, nullptr, 10) : 1;
  const std::uint64_t count = one ? 1 : many ? std::strtoull(many, nullptr, 10) : 100;
  std::size_t acknowledged = 0, transfers = 0;
  std::uint64_t virtual_ms = 0;
  for (auto seed = from; seed < from + count; ++seed) {
    const auto ended = run_seed(seed);
    acknowledged += ended.acknowledged;
    transfers += ended.transfers;
    virtual_ms += ended.virtual_ms;
    ASSERT_EQ(ended.broken, "") << "./dev sim cluster --seed " << seed;
  }
  EXPECT_GT(acknowledged, count * 100);
  EXPECT_TRUE(one || transfers > count / 10);
  std::printf("%llu seeds, %zu acknowledged, %zu states fetched, %llu s of virtual time\n",
              static_cast<unsigned long long>(count), acknowledged, transfers,
              static_cast<unsigned long long>(virtual_ms / 1'000));
}

TEST(LogSimulation, TheSameSeedHasTheSameTrace) {
  EXPECT_EQ(run_seed(7).trace, run_seed(7).trace);
}

} // namespace troupe::test

#include "runtime/policy/retry_policy.hpp"

#include "runtime/base/prng.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

retry_policy policy(retry_strategy strategy, int low_ms, int high_ms) {
  return {5, strategy, milliseconds(low_ms), milliseconds(high_ms)};
}

TEST(RetryPolicy, ReadsAndWritesEveryStrategy) {
  for (const auto strategy : {retry_strategy::fixed, retry_strategy::exponential,
                              retry_strategy::exponential_jitter, retry_strategy::random})
    EXPECT_EQ(retry_strategy_from_text(to_text(strategy)), strategy);
  EXPECT_EQ(to_text(retry_strategy::exponential_jitter), "exponential_jitter");
  EXPECT_FALSE(retry_strategy_from_text("Fixed"));
  EXPECT_FALSE(retry_strategy_from_text(""));
}

TEST(RetryPolicy, WaitsAsTheTableSays) {
  struct row {
    retry_strategy strategy;
    int low, high;
    std::uint32_t next;
    int expected;
  };
  const row rows[] = {
      {retry_strategy::fixed, 500, 9'000, 2, 500},
      {retry_strategy::fixed, 500, 9'000, 50, 500},
      {retry_strategy::fixed, 500, 100, 2, 500}, // a ceiling under the floor is the floor
      {retry_strategy::exponential, 500, 9'000, 1, 500},
      {retry_strategy::exponential, 500, 9'000, 2, 500},
      {retry_strategy::exponential, 500, 9'000, 3, 1'000},
      {retry_strategy::exponential, 500, 9'000, 4, 2'000},
      {retry_strategy::exponential, 500, 9'000, 7, 9'000},
      {retry_strategy::exponential, 500, 9'000, UINT32_MAX, 9'000},
      {retry_strategy::exponential, 0, 9'000, UINT32_MAX, 0},
      {retry_strategy::exponential_jitter, 500, 9'000, 2, 500},
      {retry_strategy::random, 700, 700, 2, 700},
  };
  for (const auto& r : rows)
    EXPECT_EQ(wait_before(policy(r.strategy, r.low, r.high), r.next, 42, {}),
              milliseconds(r.expected))
        << to_text(r.strategy) << " before " << r.next;
}

TEST(RetryPolicy, KeepsRandomWaitsInsideTheirBounds) {
  prng random(20261121);
  bool jitter_differs = false;
  const auto first = wait_before(policy(retry_strategy::exponential_jitter, 100, 10'000), 5, 1, {});
  for (int i = 0; i < 10'000; ++i) {
    const auto fact = random.next();
    const auto jitter =
        wait_before(policy(retry_strategy::exponential_jitter, 100, 10'000), 5, fact, {});
    EXPECT_GE(jitter, milliseconds(100));
    EXPECT_LE(jitter, milliseconds(800));
    jitter_differs = jitter_differs || jitter != first;
    const auto any = wait_before(policy(retry_strategy::random, 100, 150), 2, fact, {});
    EXPECT_GE(any, milliseconds(100));
    EXPECT_LE(any, milliseconds(150));
  }
  EXPECT_TRUE(jitter_differs);
}

TEST(RetryPolicy, IsAFunctionOfTheRandomFact) {
  const auto p = policy(retry_strategy::random, 0, 1'000'000);
  EXPECT_EQ(wait_before(p, 2, 7, {}), wait_before(p, 2, 7, {}));
  EXPECT_NE(wait_before(p, 2, 7, {}), wait_before(p, 2, 8, {}));
}

TEST(RetryPolicy, LetsRetryAfterRaiseTheWaitWithinADay) {
  const auto p = policy(retry_strategy::fixed, 1'000, 2'000);
  EXPECT_EQ(wait_before(p, 2, 0, seconds(2)), seconds(2));
  EXPECT_EQ(wait_before(p, 2, 0, seconds(90)), seconds(90));
  EXPECT_EQ(wait_before(p, 2, 0, milliseconds(10)), seconds(1));
  EXPECT_EQ(wait_before(p, 2, 0, seconds(-5)), seconds(1));
  EXPECT_EQ(wait_before(p, 2, 0, std::chrono::hours(100)), retry_after_max);
}

TEST(RetryPolicy, RetriesTheStatusesThatMayPass) {
  for (const unsigned status : {408U, 425U, 429U, 500U, 502U, 503U, 504U, 507U, 599U})
    EXPECT_TRUE(retryable_status(status)) << status;
  for (const unsigned status :
       {0U, 200U, 301U, 400U, 401U, 403U, 404U, 405U, 409U, 422U, 501U, 505U, 600U})
    EXPECT_FALSE(retryable_status(status)) << status;
}

} // namespace
} // namespace troupe

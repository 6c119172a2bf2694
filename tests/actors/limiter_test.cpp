// Tokens for running executions, and what a bug among them may cost.
#include "actors/limits/token_table.hpp"
#include "tests/actors/support.hpp"

#include <algorithm>

namespace troupe {

using namespace test;

namespace {

run_id numbered(std::uint64_t n) {
  return make_run_id(instant{milliseconds{1'700'000'000'000}}, partition_id{1}, n);
}
token_request want(std::uint64_t n, std::string workflow = "w", std::uint32_t workflow_max = 0) {
  return {numbered(n), std::move(workflow), workflow_max, run_priority::normal};
}

void crash_limiter(node& n, int times) {
  ASSERT_TRUE(n.it->fault(json::object{{"kind", "crash"}, {"actor", "limiter"}, {"times", times}}));
}

std::uint64_t crashes(node& n) {
  return n.it->status().at("crashes").to_number<std::uint64_t>();
}

struct one_at_a_time {
  node n;
  std::string workflow;
  one_at_a_time() : n(limited(), [](const auto&) { return std::nullopt; }) {
    workflow = n.save(http_step());
  }
  static engine_settings limited() {
    engine_settings settings;
    settings.executions_max = 1;
    return settings;
  }
  /// The next start is committed, and runs or is queued.
  run_id begin(const char* status) {
    const auto begun = n.run(workflow, "{}", milliseconds(0));
    EXPECT_TRUE(begun);
    EXPECT_TRUE(n.becomes(begun->id, status));
    return begun->id;
  }
};

} // namespace

TEST(Tokens, GoToWhoWaitsWithinTheLimits) {
  token_table tokens(2);
  EXPECT_TRUE(tokens.acquire(want(1, "a", 1)));
  EXPECT_FALSE(tokens.acquire(want(2, "a", 1)));
  EXPECT_TRUE(tokens.acquire(want(3, "b")));
  EXPECT_FALSE(tokens.acquire(want(4, "b")));
  tokens.release(numbered(3));
  EXPECT_EQ(tokens.take_granted(), std::vector{numbered(4)});
  EXPECT_TRUE(tokens.take_granted().empty()) << "each is named once";
  tokens.release(numbered(1));
  EXPECT_EQ(tokens.take_granted(), std::vector{numbered(2)});
}

TEST(Tokens, RepairKeepsCountsPlacesAndWhoIsNotTold) {
  token_table tokens(1);
  EXPECT_TRUE(tokens.acquire(want(1)));
  for (std::uint64_t n = 2; n <= 4; ++n)
    EXPECT_FALSE(tokens.acquire(want(n)));
  tokens.release(numbered(1)); // 2 is granted, and nobody has been told
  tokens.repair();
  EXPECT_EQ(tokens.take_granted(), std::vector{numbered(2)});
  EXPECT_EQ(tokens.running(), 1u);
  EXPECT_EQ(tokens.waiting(), 2u);
  EXPECT_TRUE(tokens.acquire(want(2))) << "asked again";
  EXPECT_FALSE(tokens.acquire(want(3)));
  tokens.release(numbered(2));
  EXPECT_EQ(tokens.take_granted(), std::vector{numbered(3)}) << "in order";
}

TEST(Limiter, AfterAFailureAQueuedStartStillGetsItsToken) {
  one_at_a_time t;
  const auto first = t.begin("running");
  ASSERT_TRUE(t.n.http.wait_for_calls(1));
  crash_limiter(t.n, 1);
  const auto second = t.begin("queued");
  EXPECT_EQ(crashes(t.n), 1u);
  crash_limiter(t.n, 2);
  t.n.http.answer(0, http_answer(200));
  EXPECT_TRUE(t.n.becomes(first, "success"));
  ASSERT_TRUE(t.n.http.wait_for_calls(2)) << "the token that came free was given on";
  EXPECT_EQ(crashes(t.n), 3u);
  const auto third = t.begin("queued");
  t.n.http.answer(1, http_answer(200));
  EXPECT_TRUE(t.n.becomes(second, "success"));
  ASSERT_TRUE(t.n.http.wait_for_calls(3));
  t.n.http.answer(2, http_answer(200));
  EXPECT_TRUE(t.n.becomes(third, "success"));
}

TEST(Limiter, ThatFailsForEverLetsAStartRunRatherThanHang) {
  one_at_a_time t;
  t.begin("running");
  ASSERT_TRUE(t.n.http.wait_for_calls(1));
  crash_limiter(t.n, 3);
  t.begin("running");
  EXPECT_EQ(crashes(t.n), 3u);
  ASSERT_TRUE(t.n.http.wait_for_calls(2));
  for (std::size_t i = 0; i < 2; ++i)
    t.n.http.answer(i, http_answer(200));
}

} // namespace troupe

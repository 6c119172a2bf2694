// What bounds new work: places for queued starts and signals, and what is counted of runs.
#include "runtime/base/byte_budget.hpp"
#include "tests/actors/support.hpp"

#include <gtest/gtest.h>

namespace troupe {

using namespace test;

namespace {

constexpr const char* echo_once =
    R"({"name":"one","steps":[{"step_id":"a","skill_type":"echo","parameters":{"x":1}}]})";
constexpr const char* one_call =
    R"({"name":"call","steps":[{"step_id":"a","skill_type":"http_request",
        "parameters":{"url":"http://t/x","method":"POST","body":{"text":"{{ input.text }}"}}}]})";
constexpr const char* one_wait =
    R"({"name":"wait","nodes":[{"id":"w","name":"w","type":"FLOW","subtype":"WAIT","type_version":1,
        "parameters":{"wait_type":"for_signal","signal_name":"go"}}],"edges":[]})";

/// Opens the node again, its memory counted in `budget`.
void count_in(byte_budget& budget, node& n) {
  n.it.reset();
  n.budget = &budget;
  n.open();
}

} // namespace

TEST(Backpressure, APartitionQueuesABoundedNumberOfStarts) {
  engine_settings how;
  how.starts_queued_max = 2;
  node n(how);
  const auto id = n.save(echo_once);
  n.store.commit_at_once(false);
  std::vector<waiting<started_run>> answers(60);
  std::atomic<int> refused{0};
  for (auto& each : answers) {
    start_request what;
    what.workflow_id = id;
    what.input = share(json::object{});
    n.it->start(std::move(what), [&, tell = each.answer()](result<started_run> got) {
      if (!got && got.error().code == "overloaded")
        ++refused;
      tell(std::move(got));
    });
  }
  EXPECT_GE(refused.load(), 60 - 4 * 2) << "four partitions with two places each";
  n.store.commit_at_once(true);
  EXPECT_TRUE(eventually([&] { return n.store.commit_all(), n.store.queued().proposals == 0; }));
  int accepted = 0;
  for (auto& each : answers)
    accepted += each.get() ? 1 : 0;
  EXPECT_EQ(accepted, 60 - refused.load());
  EXPECT_GT(accepted, 0);
  for (int i = 0; i < 40; ++i)
    EXPECT_TRUE(n.run(id)) << "places were given back";
}

TEST(Backpressure, SignalsTakePlacesAndGiveThemBack) {
  engine_settings how;
  how.starts_queued_max = 1;
  node n(how);
  const auto id = n.save(one_wait);
  for (int i = 0; i < 20; ++i) {
    const auto run = n.run(id, "{}", milliseconds(0));
    ASSERT_TRUE(run);
    EXPECT_TRUE(n.command(run->id, commands::signal{"go", value_ref(share(json::object{})), {}}));
    EXPECT_TRUE(n.becomes(run->id, "success"));
  }
}

TEST(Backpressure, RunsAndCallsCountWhileTheyLive) {
  byte_budget budget(std::uint64_t{1} << 30);
  node n({}, [](const auto&) { return std::nullopt; });
  count_in(budget, n);
  const auto id = n.save(one_call);
  const std::string text(100'000, 't');
  std::vector<run_id> runs;
  for (int i = 0; i < 10; ++i) {
    start_request what;
    what.workflow_id = id;
    what.input = share(json::object{{"text", json::string(text)}});
    what.bytes = text.size();
    what.held = std::make_shared<byte_claim>(&budget, budget_kind::requests, text.size());
    const auto run = n.start(std::move(what));
    ASSERT_TRUE(run);
    runs.push_back(run->id);
  }
  ASSERT_TRUE(n.http.wait_for_calls(10));
  EXPECT_TRUE(eventually([&] { return budget.used(budget_kind::requests) == 0; }));
  EXPECT_GE(budget.used(budget_kind::runs), 10 * text.size());
  EXPECT_GE(budget.used(budget_kind::calls), 10 * text.size());
  EXPECT_GE(budget.high(budget_kind::blobs), text.size());
  for (std::size_t i = 0; i < 10; ++i)
    n.http.answer(i, http_answer(200));
  for (const auto& run : runs)
    EXPECT_TRUE(n.becomes(run, "success"));
  EXPECT_TRUE(eventually([&] { return budget.used() == 0; })) << "finished runs leave memory";
  n.it.reset();
  EXPECT_EQ(budget.used(), 0u);
  n.budget = nullptr;
}

TEST(Backpressure, AnEngineThatStopsGivesEverythingBack) {
  byte_budget budget(std::uint64_t{1} << 30);
  node n({}, [](const auto&) { return std::nullopt; });
  count_in(budget, n);
  const auto id = n.save(one_call);
  for (int i = 0; i < 5; ++i)
    EXPECT_TRUE(n.run(id, R"({"text":"t"})", milliseconds(0)));
  ASSERT_TRUE(n.http.wait_for_calls(5));
  EXPECT_GT(budget.used(), 0u);
  n.it.reset();
  for (std::size_t kind = 0; kind < budget_kinds; ++kind)
    EXPECT_EQ(budget.used(static_cast<budget_kind>(kind)), 0u) << kind;
  n.budget = nullptr;
}

} // namespace troupe

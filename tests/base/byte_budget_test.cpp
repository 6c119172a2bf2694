#include "runtime/base/byte_budget.hpp"

#include <gtest/gtest.h>

#include <set>
#include <string>
#include <thread>
#include <vector>

namespace troupe {

using enum budget_kind;

TEST(ByteBudget, CountsByKindAndKeepsTheHighest) {
  byte_budget budget(1000);
  budget.add(log, 300);
  budget.add(views, 100);
  budget.sub(log, 200);
  EXPECT_EQ(budget.used(), 200u);
  EXPECT_EQ(budget.used(log), 100u);
  EXPECT_EQ(budget.used(views), 100u);
  EXPECT_EQ(budget.high(), 400u);
  EXPECT_EQ(budget.high(log), 300u);
  budget.add(log, 50);
  EXPECT_EQ(budget.high(log), 300u);
  EXPECT_EQ(budget.bytes_max(), 1000u);
}

TEST(ByteBudget, StopsNewWorkBeforeItStopsReading) {
  byte_budget budget(1000);
  const std::vector<std::tuple<std::size_t, bool, bool>> steps{
      {799, true, true}, {800, false, true}, {949, false, true}, {950, false, false}};
  for (const auto& [used, admits, reads] : steps) {
    const byte_claim held(&budget, runs, used);
    EXPECT_EQ(budget.admits(), admits) << used;
    EXPECT_EQ(budget.reads(), reads) << used;
  }
  EXPECT_EQ(budget.used(), 0u);
}

TEST(ByteBudget, TellsWhetherOneKindAloneIsInTheWay) {
  byte_budget budget(1000);
  const byte_claim much(&budget, bodies, 960);
  EXPECT_TRUE(budget.admits_without(bodies));
  const byte_claim more(&budget, tasks, 800);
  EXPECT_FALSE(budget.admits_without(bodies));
}

TEST(ByteBudget, ClaimsGiveBackWhatTheyHold) {
  byte_budget budget(1000);
  {
    byte_claim first(&budget, blobs, 10);
    first.set(30);
    first.set(20);
    byte_claim second = std::move(first);
    EXPECT_EQ(first.bytes(), 0u);
    EXPECT_EQ(budget.used(blobs), 20u);
    byte_claim third(&budget, calls, 5);
    third = std::move(second);
    EXPECT_EQ(budget.used(calls), 0u);
    EXPECT_EQ(budget.used(), 20u);
  }
  EXPECT_EQ(budget.used(), 0u);
  EXPECT_EQ(budget.high(), 30u);
  byte_claim none;
  none.set(7);
  byte_claim unbudgeted(nullptr, log, 7);
  EXPECT_EQ(none.bytes() + unbudgeted.bytes(), 0u);
}

TEST(ByteBudget, TellsOnceWhenReadsMayGoOn) {
  byte_budget budget(1000);
  int told = 0;
  budget.on_relief([&] { ++told; });
  budget.add(bodies, 1000);
  budget.sub(bodies, 10);
  EXPECT_EQ(told, 0) << "nobody asked";
  budget.want_relief();
  budget.sub(bodies, 10);
  EXPECT_EQ(told, 0) << "still over the limit";
  budget.sub(bodies, 100);
  EXPECT_EQ(told, 1);
  budget.sub(bodies, 100);
  EXPECT_EQ(told, 1) << "asked once, told once";
  budget.want_relief();
  EXPECT_EQ(told, 2) << "there is room already";
}

TEST(ByteBudget, AddsUpOverThreads) {
  byte_budget budget(1 << 20);
  std::atomic<int> told = 0;
  budget.on_relief([&] { ++told; });
  std::vector<std::thread> threads;
  for (int n = 0; n < 4; ++n)
    threads.emplace_back([&budget, n] {
      for (int i = 0; i < 20'000; ++i) {
        byte_claim held(&budget, static_cast<budget_kind>(n), 100);
        held.set(50);
        budget.want_relief();
      }
    });
  for (auto& thread : threads)
    thread.join();
  EXPECT_EQ(budget.used(), 0u);
  for (std::size_t kind = 0; kind < budget_kinds; ++kind)
    EXPECT_EQ(budget.used(static_cast<budget_kind>(kind)), 0u);
  EXPECT_LE(budget.high(), 400u);
  EXPECT_GE(told.load(), 1);
}

TEST(ByteBudget, EveryKindHasItsOwnName) {
  std::set<std::string_view> names;
  for (std::size_t kind = 0; kind < budget_kinds; ++kind)
    names.insert(to_text(static_cast<budget_kind>(kind)));
  EXPECT_EQ(names.size(), budget_kinds);
  EXPECT_FALSE(names.contains("other"));
}

} // namespace troupe

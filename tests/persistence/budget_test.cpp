// What the store's queues count in the memory budget.
#include "persistence/views/change_size.hpp"
#include "persistence/views/sqlite_views.hpp"
#include "runtime/base/byte_budget.hpp"
#include "tests/persistence/support.hpp"
#include "tests/support/eventually.hpp"

#include <atomic>
#include <chrono>
#include <future>
#include <thread>

namespace troupe::test {
namespace {

using namespace std::chrono_literals;
using steady = std::chrono::steady_clock;

document_row note(int n, std::size_t bytes) {
  document_row row;
  row.collection = "notes";
  row.id = "n" + std::to_string(n);
  row.body = "{\"id\":\"" + row.id + "\"}";
  row.text = std::string(bytes, 'x');
  return row;
}

std::unique_ptr<sqlite_views> counted_views(const scratch& dir, byte_budget& budget) {
  views_options options;
  options.budget = &budget;
  auto opened = open_views(dir / "views.sqlite", options);
  EXPECT_TRUE(opened.has_value());
  return opened ? std::move(*opened) : nullptr;
}

} // namespace

TEST(StoreBudget, ProposalsCountUntilTheyAreDurable) {
  const scratch dir;
  byte_budget budget(64u << 20);
  std::atomic<int> flushes = 0;
  auto options = options_for(dir / "data");
  options.budget = &budget;
  options.before_flush = [&] { ++flushes; };
  const auto store = must_open(options);
  std::promise<std::uint64_t> used;
  store->propose(one_row(1, 1, std::string(100'000, 'v')), [&](const result<std::uint64_t>& index) {
    EXPECT_TRUE(index.has_value());
    used.set_value(budget.used(budget_kind::log));
  });
  EXPECT_EQ(used.get_future().get(), 0u);
  EXPECT_GE(budget.high(budget_kind::log), 100'000u);
  EXPECT_GE(flushes.load(), 1);
}

TEST(StoreBudget, ChangesOfTheViewsCountUntilTheyAreApplied) {
  const scratch dir;
  byte_budget budget(64u << 20);
  const auto shown = counted_views(dir, budget);
  ASSERT_TRUE(shown);
  for (int n = 1; n <= 50; ++n)
    shown->apply(partition_id{1}, static_cast<std::uint64_t>(n), {note(n, 10'000)});
  EXPECT_GE(budget.high(budget_kind::views), 10'000u);
  EXPECT_TRUE(eventually([&] { return shown->applied(partition_id{1}) == 50; }));
  EXPECT_TRUE(eventually([&] { return budget.used() == 0; })) << budget.used();
}

TEST(StoreBudget, WhoFeedsTheViewsWaitsABoundedTime) {
  const scratch dir;
  byte_budget budget(1u << 20);
  const auto shown = counted_views(dir, budget);
  ASSERT_TRUE(shown);
  byte_claim stuck(&budget, budget_kind::views, (1u << 20) / 4);
  auto begun = steady::now();
  shown->keep_pace(60s);
  EXPECT_LT(steady::now() - begun, 30s) << "there is room";
  stuck.set(1u << 20);
  begun = steady::now();
  shown->keep_pace(100ms);
  EXPECT_GE(steady::now() - begun, 100ms);
}

TEST(StoreBudget, TextsOfAChangeCount) {
  const std::vector<view_change> small{note(1, 0)}, large{note(1, 5'000)};
  EXPECT_EQ(size_of(large) - size_of(small), 5'000u);
  EXPECT_GE(size_of(small), sizeof(view_change));
}

} // namespace troupe::test

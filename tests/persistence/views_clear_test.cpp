#include "persistence/views/sqlite_views.hpp"
#include "tests/persistence/support.hpp"

namespace troupe::test {
namespace {

execution_row execution(std::uint64_t n) {
  execution_row row;
  row.id = make_run_id(from_millis(1'000'000), partition_id{1}, n);
  row.workflow_id = "w";
  row.status = "success";
  row.created_ms = static_cast<std::int64_t>(n);
  return row;
}

document_row note(std::string id, std::string text) {
  document_row row;
  row.collection = "notes";
  row.id = std::move(id);
  row.body = "{}";
  row.tags = "[]";
  row.text = std::move(text);
  return row;
}

std::uint64_t count_of(views& from, view_query what, std::uint64_t index) {
  std::promise<std::uint64_t> answered;
  from.query(std::move(what), {{partition_id{1}, index}}, std::chrono::seconds(5),
             [&](const result<view_page>& page) {
               answered.set_value(page && !page->stale ? page->total_count : UINT64_MAX);
             });
  return answered.get_future().get();
}

document_filter searching(const std::string& text) {
  document_filter filter;
  filter.collection = "notes";
  filter.query = text;
  return filter;
}

TEST(ViewsClear, RemovesRowsTextsAndPositionsAndKeepsWhatComesLater) {
  scratch dir;
  {
    auto lists = *open_views(dir / "views.sqlite");
    lists->apply(partition_id{1}, 7, {execution(1), note("a", "a lighthouse")});
    lists->apply(partition_id{2}, 9, {execution(2)});
    ASSERT_EQ(count_of(*lists, execution_filter{}, 7), 2U);
    lists->clear();
    lists->apply(partition_id{1}, 3, {execution(3), note("b", "a windmill")});
    EXPECT_EQ(count_of(*lists, execution_filter{}, 3), 1U);
    EXPECT_EQ(count_of(*lists, searching("lighthouse"), 3), 0U);
    EXPECT_EQ(count_of(*lists, searching("windmill"), 3), 1U);
    EXPECT_EQ(lists->applied(partition_id{1}), 3U);
    EXPECT_EQ(lists->applied(partition_id{2}), 0U);
    EXPECT_EQ(lists->lag(), 0U);
  }
  auto again = *open_views(dir / "views.sqlite");
  EXPECT_FALSE(again->was_recreated());
  EXPECT_EQ(again->applied(partition_id{1}), 3U);
  EXPECT_EQ(count_of(*again, execution_filter{}, 3), 1U);
}

TEST(ViewsClear, ChangesWithoutAnIndexMoveNoPosition) {
  scratch dir;
  auto lists = *open_views(dir / "views.sqlite");
  lists->apply(partition_id{0}, 0, {execution(1), execution(2)});
  ASSERT_TRUE(lists->wait_for_room(0, std::chrono::seconds(5)));
  EXPECT_EQ(lists->applied(partition_id{0}), 0U);
  EXPECT_EQ(count_of(*lists, execution_filter{}, 0), 2U);
}

TEST(ViewsClear, WhoFeedsManyIsToldWhenThereIsRoom) {
  scratch dir;
  auto lists = *open_views(dir / "views.sqlite");
  std::vector<view_change> many;
  for (std::uint64_t n = 0; n < 5'000; ++n)
    many.push_back(execution(n));
  lists->apply(partition_id{1}, 1, std::move(many));
  EXPECT_FALSE(lists->wait_for_room(0, std::chrono::milliseconds(0)));
  EXPECT_TRUE(lists->wait_for_room(0, std::chrono::seconds(20)));
  EXPECT_EQ(lists->lag(), 0U);
}

execution_row in_partition(std::uint16_t partition, std::uint64_t n) {
  auto row = execution(n);
  row.id = make_run_id(from_millis(1'000'000), partition_id{partition}, n);
  return row;
}

/// Lets go of itself when the views do.
struct sweep_end {
  std::promise<void> gone;
  ~sweep_end() { gone.set_value(); }
};

std::future<void> sweep(views& from, std::uint16_t partition, views::row_filter stays) {
  auto end = std::make_shared<sweep_end>();
  auto gone = end->gone.get_future();
  from.sweep(partition_id{partition}, [end = std::move(end), stays = std::move(stays)](
                                          const view_change& row) { return stays(row); });
  return gone;
}

TEST(ViewsSweep, RemovesRunsOfOnePartitionWithTheirReviews) {
  scratch dir;
  auto lists = *open_views(dir / "views.sqlite");
  constexpr std::uint64_t many = 2'500; // more than one step
  std::vector<view_change> rows;
  for (std::uint64_t n = 0; n < many; ++n) {
    rows.push_back(in_partition(1, n));
    rows.push_back(in_partition(0xabc, n));
    review_row review;
    review.id = "r" + std::to_string(n);
    review.execution = in_partition(1, n).id;
    review.body = "{}";
    rows.push_back(std::move(review));
  }
  lists->apply(partition_id{1}, 7, std::move(rows));
  std::size_t asked = 0;
  auto gone = sweep(*lists, 1, [&](const view_change& row) {
    ++asked;
    return std::get<execution_gone>(row).id.id.bytes[15] % 2 == 0;
  });
  lists->apply(partition_id{1}, 8, {in_partition(1, 1)});
  ASSERT_EQ(gone.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(asked, many);
  EXPECT_EQ(count_of(*lists, execution_filter{}, 8), many / 2 + 1 + many);
  EXPECT_EQ(count_of(*lists, review_filter{}, 8), many / 2);
  EXPECT_EQ(lists->applied(partition_id{1}), 8U);
  EXPECT_TRUE(lists->wait_for_room(0, std::chrono::seconds(5)));
}

TEST(ViewsSweep, RemovesDocumentsWithTheirTextsAndKeepsTheRest) {
  scratch dir;
  auto lists = *open_views(dir / "views.sqlite");
  lists->apply(partition_id{1}, 7, {execution(1), note("a", "a lighthouse"), note("b", "a mill")});
  auto gone = sweep(*lists, 0,
                    [](const view_change& row) { return std::get<document_gone>(row).id == "b"; });
  ASSERT_EQ(gone.wait_for(std::chrono::seconds(10)), std::future_status::ready);
  EXPECT_EQ(count_of(*lists, searching("lighthouse"), 7), 0U);
  EXPECT_EQ(count_of(*lists, searching("mill"), 7), 1U);
  EXPECT_EQ(count_of(*lists, execution_filter{}, 7), 1U);
}

} // namespace
} // namespace troupe::test

#include "persistence/views/sqlite_views.hpp"
#include "runtime/base/json.hpp"
#include "tests/persistence/support.hpp"

#include <fstream>
#include <functional>
#include <set>

namespace troupe::test {
namespace {

run_id run_number(std::uint64_t n) {
  return make_run_id(from_millis(1'000'000 + static_cast<std::int64_t>(n)), partition_id{1}, n);
}

execution_row execution(std::uint64_t n, std::string status = "running") {
  execution_row row;
  row.id = run_number(n);
  row.workflow_id = "w" + std::to_string(n % 3);
  row.workflow_name = "Name \"" + row.workflow_id + "\"";
  row.status = std::move(status);
  row.trigger_type = n % 2 ? "manual" : "schedule";
  row.priority = "normal";
  row.user = n % 5 == 0 ? "ada" : "";
  row.created_ms = 1'000'000 + static_cast<std::int64_t>(n / 2); // ties are common
  return row;
}

document_row document(std::string id, std::string text, std::string tags = "[]") {
  document_row row;
  row.collection = "notes";
  row.id = std::move(id);
  row.name = "note " + row.id;
  row.body = "{\"id\":\"" + row.id + "\",\"kind\":\"k" + row.id + "\",\"pages\":3,\"done\":true}";
  row.tags = std::move(tags);
  row.text = std::move(text);
  row.created_ms = 5;
  return row;
}

result<view_page> ask(views& from, view_query what, std::vector<views::position> at_least = {},
                      std::chrono::milliseconds wait = std::chrono::milliseconds(5000)) {
  std::promise<result<view_page>> answered;
  from.query(std::move(what), std::move(at_least), wait,
             [&](result<view_page> page) { answered.set_value(std::move(page)); });
  return answered.get_future().get();
}

std::string id_of(const std::string& item) {
  const auto parsed = json::parse(item);
  EXPECT_TRUE(parsed.has_value()) << item;
  return parsed ? std::string(json::text_or(*parsed, "id", "")) : "";
}

std::set<std::string> ids_of(const result<view_page>& page) {
  std::set<std::string> ids;
  if (!page) {
    ADD_FAILURE() << page.error().code << " " << page.error().message;
    return ids;
  }
  for (const auto& item : page->items)
    ids.insert(id_of(item));
  return ids;
}

class Views : public testing::Test {
protected:
  void SetUp() override { reopen(); }
  void reopen() {
    views_.reset();
    auto opened = open_views(dir_ / "views.sqlite");
    ASSERT_TRUE(opened.has_value()) << opened.error().message;
    views_ = std::move(*opened);
  }
  void change(std::vector<view_change> changes) {
    views_->apply(partition_id{1}, ++index_, std::move(changes));
  }
  result<view_page> ask_now(view_query what) {
    return ask(*views_, std::move(what), {{partition_id{1}, index_}});
  }
  scratch dir_;
  std::unique_ptr<sqlite_views> views_;
  std::uint64_t index_ = 0;
};

TEST_F(Views, KeepRowsAndPositionsOverARestart) {
  EXPECT_TRUE(views_->was_recreated());
  change({execution(1), execution(2, "success")});
  ASSERT_TRUE(ask_now(execution_filter{}).has_value());
  EXPECT_EQ(views_->applied(partition_id{1}), 1U);
  EXPECT_EQ(views_->applied(partition_id{2}), 0U);
  EXPECT_EQ(views_->lag(), 0U);
  change({execution(3)}); // the destructor applies what is queued
  reopen();
  EXPECT_FALSE(views_->was_recreated());
  EXPECT_EQ(views_->applied(partition_id{1}), 2U);
  EXPECT_EQ(ask_now(execution_filter{})->total_count, 3U);
}

TEST_F(Views, ShowAnExecutionAsTheListRouteDoes) {
  auto row = execution(1, "failed");
  row.started_ms = 1'000'000;
  row.completed_ms = 1'001'500;
  row.error_code = "http_500";
  row.error_message = "said \"no\"\n";
  row.attempt = 2;
  change({row});
  const auto page = ask_now(execution_filter{});
  ASSERT_EQ(page->items.size(), 1U);
  EXPECT_EQ(page->items[0],
            "{\"id\":\"" + to_text(row.id) +
                "\",\"workflow_id\":\"w1\",\"workflow_name\":\"Name \\\"w1\\\"\","
                "\"workflow_version\":0,\"status\":\"failed\",\"trigger_type\":\"manual\","
                "\"triggered_by\":null,\"parent_execution_id\":null,\"user\":null,"
                "\"priority\":\"normal\",\"created_at\":\"1970-01-01T00:16:40.000Z\","
                "\"started_at\":\"1970-01-01T00:16:40.000Z\","
                "\"completed_at\":\"1970-01-01T00:16:41.500Z\",\"duration_seconds\":1.5,"
                "\"error\":{\"code\":\"http_500\",\"message\":\"said \\\"no\\\"\\n\"},"
                "\"last_seq\":0,\"attempt\":2}");
}

TEST_F(Views, TheLastOfSeveralChangesOfARowWins) {
  auto moved = execution(2, "success");
  moved.workflow_id = "elsewhere"; // identity changed: the indices must follow
  change({execution(1), execution(1, "success"), execution(2), moved, execution(3),
          execution_gone{run_number(3)}, execution_gone{run_number(4)}, execution(4)});
  EXPECT_EQ(ask_now(execution_filter{})->total_count, 3U);
  execution_filter by_status;
  by_status.status = "success";
  EXPECT_EQ(ask_now(by_status)->total_count, 2U);
  execution_filter by_workflow;
  by_workflow.workflow_id = "elsewhere";
  EXPECT_EQ(ask_now(by_workflow)->total_count, 1U);
  by_workflow.workflow_id = "w2";
  EXPECT_EQ(ask_now(by_workflow)->total_count, 0U);
}

TEST_F(Views, PagesCoverEverythingOnceWhileRowsAreAdded) {
  constexpr std::uint64_t before = 1000;
  for (std::uint64_t n = 0; n < before; ++n)
    change({execution(n)});
  ASSERT_EQ(ask_now(execution_filter{})->total_count, before);
  std::set<std::string> seen;
  execution_filter filter;
  filter.limit = 37;
  std::uint64_t added = before;
  for (;;) {
    const auto page = ask_now(filter);
    ASSERT_TRUE(page.has_value());
    for (const auto& item : page->items)
      EXPECT_TRUE(seen.insert(id_of(item)).second) << "twice: " << item;
    for (int i = 0; i < 5; ++i)
      change({execution(added++)});
    if (page->next_cursor.empty())
      break;
    EXPECT_EQ(page->items.size(), 37U);
    filter.cursor = page->next_cursor;
  }
  for (std::uint64_t n = 0; n < before; ++n)
    EXPECT_TRUE(seen.count(to_text(run_number(n)))) << n;
}

TEST_F(Views, FilterExecutions) {
  for (std::uint64_t n = 0; n < 60; ++n) {
    auto row = execution(n, n % 4 ? "success" : "failed");
    row.parent_id = n == 7 ? "parent" : "";
    change({row});
  }
  const auto count = [&](auto set) {
    execution_filter filter;
    filter.limit = 500;
    set(filter);
    const auto page = ask_now(filter);
    EXPECT_EQ(page->items.size(), page->total_count);
    return page->total_count;
  };
  EXPECT_EQ(count([](auto& f) { f.workflow_id = "w0"; }), 20U);
  EXPECT_EQ(count([](auto& f) { f.status = "failed"; }), 15U);
  EXPECT_EQ(count([](auto& f) { f.trigger_type = "manual"; }), 30U);
  EXPECT_EQ(count([](auto& f) { f.user = "ada"; }), 12U);
  EXPECT_EQ(count([](auto& f) { f.parent_id = "parent"; }), 1U);
  EXPECT_EQ(count([](auto& f) { f.created_from_ms = 1'000'010; }), 40U);
  EXPECT_EQ(count([](auto& f) { f.created_to_ms = 1'000'010; }), 22U);
  EXPECT_EQ(count([](auto& f) { f.workflow_id = "w0", f.status = "failed"; }), 5U);
  EXPECT_EQ(count([](auto& f) { f.workflow_id = "' OR 1=1 --"; }), 0U);
}

TEST_F(Views, RefuseForeignCursorsAndBoundPages) {
  for (std::uint64_t n = 0; n < 600; ++n)
    change({execution(n)});
  execution_filter filter;
  filter.limit = 100'000;
  auto page = ask_now(filter);
  EXPECT_EQ(page->items.size(), 500U);
  for (const auto* wrong : {"%%%", "abc", "AAAA", "ZTEyMw", "ZTp4"}) {
    filter.cursor = wrong;
    const auto refused = ask_now(filter);
    ASSERT_FALSE(refused.has_value()) << wrong;
    EXPECT_EQ(refused.error().code, "cursor_invalid");
  }
  review_filter other;
  other.cursor = page->next_cursor;
  EXPECT_EQ(ask_now(other).error().code, "cursor_invalid");
}

TEST_F(Views, FindTextOfAnyLanguage) {
  change({document("a", "The quick brown fox jumps"), document("b", "工作流引擎把每一步写进日志"),
          document("c", "quick notes, 100% \"quoted\"", "[\"red\",\"blue\"]")});
  const auto find = [&](std::string query) {
    document_filter filter;
    filter.collection = "notes";
    filter.query = std::move(query);
    return ids_of(ask_now(filter));
  };
  EXPECT_EQ(find("quick"), (std::set<std::string>{"a", "c"}));
  EXPECT_EQ(find("QUICK fox"), (std::set<std::string>{"a"}));
  EXPECT_EQ(find("工作流"), (std::set<std::string>{"b"}));
  EXPECT_EQ(find("引擎"), (std::set<std::string>{"b"})) << "two characters are a word";
  EXPECT_EQ(find("日志 工作流引擎"), (std::set<std::string>{"b"}));
  EXPECT_EQ(find("0%"), (std::set<std::string>{"c"}));
  EXPECT_EQ(find("\"quoted\""), (std::set<std::string>{"c"}));
  EXPECT_EQ(find("\""), (std::set<std::string>{"c"}));
  EXPECT_EQ(find("fox AND OR * ("), (std::set<std::string>{})) << "no query syntax leaks";
  EXPECT_EQ(find("note 工作流"), (std::set<std::string>{"b"})) << "names are found too";
  change({document("e", "Number 2 of 1234"), document("f", "number 3 of 2222, V2")});
  EXPECT_EQ(find("number 2"), (std::set<std::string>{"e"})) << "short Latin words are whole words";
  EXPECT_EQ(find("v2"), (std::set<std::string>{"f"}));
  change({document("a", "now slow"), document_gone{"notes", "c"}});
  EXPECT_EQ(find("quick"), (std::set<std::string>{}));
  EXPECT_EQ(find("slow"), (std::set<std::string>{"a"}));
}

TEST_F(Views, FilterDocuments) {
  auto off = document("d", "x");
  off.enabled = false;
  auto broken = document("e", "x", "not json");
  broken.body = "{";
  change({document("a", "x", "[\"red\",\"blue\"]"), document("b", "x", "[\"red\"]"),
          document("c", "x"), off});
  const auto ids = [&](auto set) {
    document_filter filter;
    filter.collection = "notes";
    set(filter);
    return ids_of(ask_now(filter));
  };
  EXPECT_EQ(ids([](auto& f) { f.tags = {"red"}; }), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(ids([](auto& f) { f.tags = {"red", "blue"}; }), (std::set<std::string>{"a"}));
  EXPECT_EQ(ids([](auto& f) { f.enabled = false; }), (std::set<std::string>{"d"}));
  EXPECT_EQ(ids([](auto& f) { f.field = "kind", f.field_value = "kc"; }),
            (std::set<std::string>{"c"}));
  EXPECT_EQ(ids([](auto& f) { f.field = "pages", f.field_value = "3"; }).size(), 4U);
  EXPECT_EQ(ids([](auto& f) { f.field = "done", f.field_value = "true"; }).size(), 4U);
  EXPECT_EQ(ids([](auto& f) { f.field = "absent", f.field_value = ""; }).size(), 0U);
  EXPECT_EQ(ids([](auto& f) { f.field = "a\"b", f.field_value = "c"; }).size(), 0U);
  EXPECT_EQ(ids([](auto& f) { f.collection = "other"; }).size(), 0U);
  change({broken});
  EXPECT_EQ(ids([](auto& f) { f.tags = {"red"}; }), (std::set<std::string>{"a", "b"}));
  EXPECT_EQ(ids([](auto& f) { f.field = "pages", f.field_value = "3"; }).size(), 4U);
}

TEST_F(Views, FilterReviews) {
  for (int n = 0; n < 6; ++n) {
    review_row row;
    row.id = "r" + std::to_string(n);
    row.execution = run_number(static_cast<std::uint64_t>(n % 2));
    row.workflow_id = "w";
    row.status = n < 4 ? "pending" : "approved";
    row.body = "{\"id\":\"" + row.id + "\"}";
    row.created_ms = n;
    change({row});
  }
  review_filter filter;
  filter.status = "pending";
  filter.limit = 3;
  auto page = ask_now(filter);
  EXPECT_EQ(page->total_count, 4U);
  EXPECT_EQ(page->items[0], "{\"id\":\"r3\"}") << "newest first";
  filter.cursor = page->next_cursor;
  page = ask_now(filter);
  EXPECT_EQ(page->items, std::vector<std::string>{"{\"id\":\"r0\"}"});
  EXPECT_EQ(page->next_cursor, "");
  filter = {};
  filter.execution = to_text(run_number(1));
  EXPECT_EQ(ids_of(ask_now(filter)), (std::set<std::string>{"r1", "r3", "r5"}));
  change({execution_gone{run_number(1)}});
  EXPECT_EQ(ids_of(ask_now(filter)), (std::set<std::string>{}));
}

TEST_F(Views, CountStatistics) {
  EXPECT_EQ(ask_now(execution_stats_query{})->items[0],
            "{\"total\":0,\"by_status\":{},\"avg_duration\":null,\"success_rate\":null}");
  for (std::uint64_t n = 0; n < 5; ++n) {
    auto row = execution(n, n == 4 ? "running" : n == 3 ? "failed" : "success");
    row.workflow_id = "w";
    row.started_ms = 1000;
    if (n < 4)
      row.completed_ms = 2000 + static_cast<std::int64_t>(n) * 1000;
    change({row});
  }
  const auto page = ask_now(execution_stats_query{"w"});
  EXPECT_EQ(page->items[0], "{\"total\":5,\"by_status\":{\"failed\":1,\"running\":1,\"success\":3},"
                            "\"avg_duration\":2.5,\"success_rate\":0.75}");
  EXPECT_EQ(ask_now(execution_stats_query{"x"})->items[0].substr(0, 10), "{\"total\":0");
}

TEST_F(Views, NameWhatRetentionMayPurgeOldestFirst) {
  for (std::uint64_t n = 0; n < 12; ++n) {
    auto row = execution(n, n == 11 ? "running" : n % 2 ? "failed" : "success");
    row.workflow_id = "w" + std::to_string(n % 2);
    if (n < 11)
      row.completed_ms = static_cast<std::int64_t>(100 - n);
    change({row});
  }
  const auto ids = [&](retention_query what) {
    std::vector<std::string> seen;
    const auto page = ask_now(what);
    for (const auto& item : page->items)
      seen.push_back(id_of(item));
    return seen;
  };
  retention_query all;
  ASSERT_EQ(ids(all).size(), 11U);
  EXPECT_EQ(ids(all).front(), to_text(run_number(10)));
  retention_query old;
  old.completed_before_ms = 93;
  EXPECT_EQ(ids(old), (std::vector<std::string>{to_text(run_number(10)), to_text(run_number(9)),
                                                to_text(run_number(8))}));
  retention_query keep;
  keep.keep_newest = 4;
  EXPECT_EQ(ids(keep), (std::vector<std::string>{to_text(run_number(10)), to_text(run_number(9)),
                                                 to_text(run_number(8))}));
  keep.status = "failed";
  keep.completed_before_ms = 92;
  EXPECT_EQ(ids(keep), (std::vector<std::string>{to_text(run_number(9))}));
}

TEST_F(Views, WaitForAPositionThenAnswerStale) {
  change({execution(1)});
  std::promise<result<view_page>> answered;
  views_->query(execution_filter{}, {{partition_id{1}, 2}}, std::chrono::seconds(30),
                [&](result<view_page> page) { answered.set_value(std::move(page)); });
  auto future = answered.get_future();
  EXPECT_EQ(future.wait_for(std::chrono::milliseconds(50)), std::future_status::timeout);
  change({execution(2)});
  const auto page = future.get();
  EXPECT_EQ(page->total_count, 2U);
  EXPECT_FALSE(page->stale);
  const auto started = std::chrono::steady_clock::now();
  const auto late =
      ask(*views_, execution_filter{}, {{partition_id{1}, 99}}, std::chrono::milliseconds(60));
  EXPECT_TRUE(late->stale);
  EXPECT_EQ(late->total_count, 2U);
  EXPECT_GE(std::chrono::steady_clock::now() - started, std::chrono::milliseconds(60));
}

TEST_F(Views, DamagedAndForeignFilesAreMadeAgain) {
  const auto path = dir_ / "views.sqlite";
  const auto overwrite = [&](std::streamoff at, const std::string& bytes) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(at);
    file << bytes;
  };
  const std::vector<std::function<void()>> damages{
      [&] { std::ofstream(path) << "this is no database at all, but long enough to be read"; },
      [&] { std::filesystem::resize_file(path, 5000); },
      [&] { std::filesystem::resize_file(path, 0); },
      [&] { overwrite(60, std::string("\0\0\0M", 4)); }, // user_version, a 32-bit number
      [&] { std::ofstream(path + ".damaged") << "x"; },
      [&] { overwrite(4096, std::string(60'000, '\x5a')); }}; // where tables and indices lie
  for (std::size_t i = 0; i < damages.size(); ++i) {
    for (std::uint64_t n = 0; n < 300; ++n)
      change({execution(n)});
    ASSERT_EQ(ask_now(execution_filter{})->total_count, 300U);
    views_.reset();
    std::filesystem::remove(path + "-wal");
    damages[i]();
    reopen();
    EXPECT_TRUE(views_->was_recreated()) << "damage " << i;
    EXPECT_EQ(views_->applied(partition_id{1}), 0U);
    index_ = 0;
    EXPECT_EQ(ask_now(execution_filter{})->total_count, 0U);
  }
}

TEST_F(Views, TakeManyChanges) {
  const std::uint64_t count = long_run() ? 1'000'000 : 50'000;
  for (std::uint64_t n = 0; n < count; n += 10) {
    std::vector<view_change> changes;
    for (std::uint64_t i = 0; i < 10; ++i)
      changes.emplace_back(execution(n + i));
    change(std::move(changes));
  }
  ASSERT_EQ(ask(*views_, execution_filter{}, {{partition_id{1}, index_}},
                std::chrono::milliseconds(60'000))
                ->total_count,
            count);
}

} // namespace
} // namespace troupe::test

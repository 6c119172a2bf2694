#include "tests/actors/support.hpp"

namespace troupe {

using namespace test;

namespace {

/// The page of marks in memory, thread-safe.
class memory_page {
public:
  std::string text() const {
    const std::lock_guard lock(mutex_);
    return text_;
  }
  void set(std::string text) {
    const std::lock_guard lock(mutex_);
    text_ = std::move(text);
  }
  void write(std::size_t at, std::string_view bytes) {
    const std::lock_guard lock(mutex_);
    text_.replace(at, bytes.size(), bytes);
  }

private:
  mutable std::mutex mutex_;
  std::string text_ = loading_page_after({}, "1");
};

/// Passes reads on. When the watched run's events are read for the first time, the page is kept: a
/// process that dies in this moment leaves it.
class watched_rows final : public row_reader {
public:
  watched_rows(const row_reader& rows, const memory_page& page) : rows_(rows), page_(page) {}

  result<std::optional<std::string>> get(table in, std::string_view key) const override {
    return rows_.get(in, key);
  }
  result<void> scan(table in, std::string_view from, std::string_view to, const row_visitor& each,
                    bool reverse) const override {
    {
      const std::lock_guard lock(mutex_);
      // A key without a sequence number only asks whether there is anything.
      if (in == table::events && left_.empty() && from.size() > watched_.size() &&
          from.starts_with(watched_))
        left_ = page_.text();
    }
    return rows_.scan(in, from, to, each, reverse);
  }
  void watch(const run_id& run) {
    const std::lock_guard lock(mutex_);
    watched_ = key_builder(partition_of(run)).id(run.id).take();
    left_.clear();
  }
  std::string left() const {
    const std::lock_guard lock(mutex_);
    return left_;
  }

private:
  const row_reader& rows_;
  const memory_page& page_;
  mutable std::mutex mutex_;
  std::string watched_ = "nobody";
  mutable std::string left_;
};

/// A node whose processes die, on one page of marks.
struct mortal_node {
  memory_page page;
  std::unique_ptr<loading_marks> marks;
  node n{many_interruptions(), [](const auto&) { return std::nullopt; }};
  watched_rows rows{n.store, page};

  static engine_settings many_interruptions() {
    engine_settings settings;
    settings.interruptions_max = 1'000;
    return settings;
  }
  ~mortal_node() { n.it.reset(); }

  /// Another process, on the page that the one before left.
  void restart(std::string_view version = "1") {
    n.it.reset();
    page.set(loading_page_after(page.text(), version));
    marks = std::make_unique<loading_marks>(
        page.text(), [this](std::size_t at, std::string_view bytes) { page.write(at, bytes); });
    n.loading = marks.get();
    n.rows = &rows;
    n.open();
  }
  /// A process that dies in the moment in which it reads this run.
  void die_loading(const run_id& run) {
    n.it.reset();
    rows.watch(run);
    restart();
    ASSERT_TRUE(n.becomes(run, "running"));
    n.it.reset();
    ASSERT_NE(rows.left().find("loading resume " + to_text(run)), std::string::npos);
    page.set(rows.left());
  }
  run_id begin(const std::string& workflow) {
    const auto begun = n.run(workflow, "{}", milliseconds(0));
    EXPECT_TRUE(begun);
    return begun ? begun->id : run_id{};
  }
  std::string alerts() { return json::write(n.it->status().at("alerts")); }
};

std::string clean_page() {
  return loading_page_after({}, "1");
}

} // namespace

TEST(Loading, LeavesNoMarkBehind) {
  mortal_node m;
  const auto run = m.begin(m.n.save(http_step()));
  ASSERT_TRUE(m.n.http.wait_for_calls(1));
  m.restart();
  ASSERT_TRUE(m.n.http.wait_for_calls(2)); // it was loaded and goes on
  m.n.http.answer(1, http_answer(200));
  EXPECT_TRUE(m.n.becomes(run, "success"));
  m.n.it.reset();
  EXPECT_EQ(m.page.text(), clean_page());
}

TEST(Loading, ARunThatKillsThreeProcessesIsLeftAloneAndOthersGoOn) {
  mortal_node m;
  const auto workflow = m.n.save(http_step());
  const auto poison = m.begin(workflow), beside = m.begin(workflow);
  ASSERT_TRUE(m.n.http.wait_for_calls(2));
  for (int deaths = 0; deaths < 3; ++deaths)
    m.die_loading(poison);
  const auto calls = m.n.http.requests().size();
  m.rows.watch(poison);
  m.restart();
  ASSERT_TRUE(m.n.http.wait_for_calls(calls + 1));
  m.n.http.answer(calls, http_answer(200));
  EXPECT_TRUE(m.n.becomes(beside, "success"));
  EXPECT_EQ(json::text_or(m.n.read(poison), "code", ""), "execution_unreadable");
  const auto refused = m.n.command(poison, commands::cancel{"", ""});
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, "execution_unreadable");
  waiting<done_at> purged;
  m.n.it->purge({poison}, purged.answer());
  EXPECT_EQ(purged.get().error().code, "execution_unreadable");
  EXPECT_NE(m.alerts().find(to_text(poison)), std::string::npos) << m.alerts();
  EXPECT_EQ(m.alerts().find(to_text(beside)), std::string::npos) << m.alerts();
  EXPECT_EQ(m.n.http.requests().size(), calls + 1);
  EXPECT_EQ(m.rows.left(), "") << "its events were read";

  m.restart("2"); // another release tries again
  ASSERT_TRUE(m.n.http.wait_for_calls(calls + 2));
  m.n.http.answer(calls + 1, http_answer(200));
  EXPECT_TRUE(m.n.becomes(poison, "success"));
  EXPECT_EQ(m.alerts().find(to_text(poison)), std::string::npos) << m.alerts();
}

TEST(Loading, OneThatWentWellForgetsDeaths) {
  mortal_node m;
  const auto run = m.begin(m.n.save(http_step()));
  ASSERT_TRUE(m.n.http.wait_for_calls(1));
  for (int round = 0; round < 2; ++round) {
    m.die_loading(run);
    m.die_loading(run);
    m.restart();
    EXPECT_TRUE(m.n.becomes(run, "running"));
    EXPECT_TRUE(eventually([&] { return m.page.text() == clean_page(); })) << m.page.text();
  }
}

} // namespace troupe

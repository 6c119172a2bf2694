#include "actors/engine/views_rebuild.hpp"
#include "persistence/store/entry.hpp"
#include "tests/actors/support.hpp"

#include <thread>

namespace troupe {

using namespace test;

namespace {

constexpr auto asks = R"({"name":"ask","nodes":[{"id":"h","name":"h",
  "type":"HUMAN_IN_THE_LOOP","subtype":"APP","parameters":{"notification_type":"approval",
  "title":"May it?","message":"?"}}],"edges":[]})";

void put(node& n, const std::string& collection, const std::string& id, json::value body) {
  waiting<done_at> done;
  n.it->write_document({collection, id, std::nullopt, std::move(body)}, done.answer());
  ASSERT_TRUE(done.get());
}

/// Everything that lists can show: runs of all kinds, reviews, documents, and some that are gone.
void make_data(node& n) {
  const auto chain = n.save(echo_chain(3));
  std::vector<run_id> runs;
  for (int i = 0; i < 20; ++i)
    runs.push_back(n.run(chain, R"({"name":"Ann"})")->id);
  const auto open = n.run(n.save(asks), "{}", milliseconds(0));
  ASSERT_TRUE(open && n.becomes(open->id, "waiting"));
  const auto ended = n.run(n.save(asks), "{}", milliseconds(0));
  ASSERT_TRUE(ended && n.becomes(ended->id, "waiting"));
  ASSERT_TRUE(n.command(ended->id, commands::cancel{"enough", "me"}));
  ASSERT_TRUE(n.run(n.save(
      R"({"name":"p","edges":[],"nodes":[{"id":"c","name":"c","type":"SUBWORKFLOW",
          "subtype":"SUBWORKFLOW","parameters":{"workflow_id":")" +
      chain + R"("}}]})")));
  waiting<workflow_ptr> second, back;
  n.it->save_workflow(chain, *json::parse(echo_chain(2)), false, {}, second.answer());
  ASSERT_TRUE(second.get());
  n.clock.advance(milliseconds(5'000));
  n.it->activate_workflow(chain, 1, back.answer());
  ASSERT_TRUE(back.get());
  waiting<done_at> gone;
  n.it->delete_workflow(n.save(echo_chain(1)), gone.answer());
  ASSERT_TRUE(gone.get());
  put(n, "notes", "a", json::object{{"name", "first"}});
  put(n, "notes", "b", json::object{{"name", "second"}, {"tags", json::array{"x"}}});
  n.clock.advance(milliseconds(5'000));
  put(n, "notes", "a", json::object{{"name", "first again"}, {"enabled", false}});
  waiting<done_at> purged;
  n.it->purge({runs.begin(), runs.begin() + 4}, purged.answer());
  ASSERT_TRUE(purged.get());
}

bool complete(const node& n) {
  for (std::uint16_t p = 0; p <= 4; ++p)
    if (n.lists.applied(partition_id{p}) != n.store.applied(partition_id{p}))
      return false;
  return true;
}

bool becomes_complete(const node& n) {
  return eventually([&] { return complete(n); });
}

void trim(node& n, std::uint16_t partition, std::uint64_t up_to) {
  n.store.load({{table::log, log_key(partition_id{partition}, 0), std::nullopt,
                 log_key(partition_id{partition}, up_to + 1)}});
}
void trim_all(node& n) {
  for (std::uint16_t p = 0; p <= 4; ++p)
    trim(n, p, n.store.applied(partition_id{p}));
}

/// The same store read by the offline command.
std::vector<std::string> rebuilt_offline(node& n, rebuild_progress& progress) {
  fake_views lists;
  const auto done =
      rebuild_views(n.store, n.store, lists, n.settings, progress, [] { return true; });
  EXPECT_TRUE(done) << done.error().message;
  for (std::uint16_t p = 0; p <= 4; ++p)
    EXPECT_EQ(lists.applied(partition_id{p}), n.store.applied(partition_id{p}));
  return lists.dump();
}

} // namespace

TEST(Rebuild, EmptyViewsAndATrimmedLogGiveTheSameListsAgain) {
  node n;
  make_data(n);
  const auto before = n.lists.dump();
  ASSERT_GT(before.size(), 25u);
  n.it.reset();
  trim_all(n);
  n.lists.clear();
  n.open();
  ASSERT_TRUE(becomes_complete(n));
  EXPECT_EQ(n.lists.dump(), before);
}

TEST(Rebuild, OfflineGivesTheSameListsToo) {
  node n;
  make_data(n);
  const auto before = n.lists.dump();
  n.it.reset();
  trim_all(n);
  rebuild_progress progress;
  EXPECT_EQ(rebuilt_offline(n, progress), before);
  EXPECT_EQ(progress.unreadable, 0u);
  EXPECT_EQ(progress.partitions, 5u);
}

TEST(Rebuild, ViewsBehindTheTrimmedLogForgetWhatWasPurgedMeanwhile) {
  node n;
  make_data(n);
  const auto later = n.run(n.save(echo_chain(1)));
  ASSERT_TRUE(later);
  const auto shown = n.lists.applied(later->at.partition);
  fake_views old; // a copy from now
  rebuild_progress ignored;
  ASSERT_TRUE(rebuild_views(n.store, n.store, old, n.settings, ignored, [] { return true; }));
  waiting<done_at> purged;
  n.it->purge({later->id}, purged.answer());
  ASSERT_TRUE(purged.get());
  const auto before = n.lists.dump();
  n.it.reset();
  execution_row left;
  left.id = later->id;
  n.lists.clear();
  for (std::uint16_t p = 0; p <= 4; ++p)
    n.lists.apply(partition_id{p}, old.applied(partition_id{p}), {left});
  ASSERT_EQ(n.lists.applied(later->at.partition), shown);
  trim_all(n);
  n.open();
  ASSERT_TRUE(becomes_complete(n));
  EXPECT_EQ(n.lists.dump(), before);
}

TEST(Rebuild, AFewMissingEntriesComeFromTheLog) {
  node n;
  make_data(n);
  const auto before = n.lists.dump();
  n.it.reset();
  n.lists.clear();
  n.lists.apply(partition_id{0}, 1, {});
  n.open();
  EXPECT_TRUE(complete(n)) << "a short gap is closed before the node is open";
  EXPECT_EQ(n.lists.dump(), before);
}

TEST(Rebuild, ViewsAheadOfTheLogAreMadeAgain) {
  node n;
  make_data(n);
  const auto before = n.lists.dump();
  n.it.reset();
  execution_row stranger;
  stranger.id = make_run_id(n.clock.now(), partition_id{1}, 99);
  n.lists.apply(partition_id{1}, 1'000'000, {stranger});
  n.open();
  ASSERT_TRUE(becomes_complete(n));
  EXPECT_EQ(n.lists.dump(), before);
}

TEST(Rebuild, TheNodeWorksMeanwhileAndNothingIsMissedOrShownOld) {
  node n;
  make_data(n);
  const auto chain = n.save(echo_chain(2));
  std::vector<run_id> asking;
  const auto ask = n.save(asks);
  for (int i = 0; i < 20; ++i)
    asking.push_back(n.run(ask, "{}", milliseconds(0))->id);
  for (const auto& run : asking)
    ASSERT_TRUE(n.becomes(run, "waiting"));
  n.it.reset();
  trim_all(n);
  n.lists.clear();
  n.lists.pace = [] { std::this_thread::sleep_for(milliseconds(30)); };
  n.open();
  EXPECT_TRUE(n.it->status().at("views").at("rebuilding").as_bool());
  for (std::size_t i = 0; i < asking.size(); ++i) {
    ASSERT_TRUE(n.run(chain));
    ASSERT_TRUE(n.command(asking[i], commands::cancel{"", "me"}));
    if (i % 5 != 0)
      continue;
    waiting<done_at> purged;
    n.it->purge({asking[i]}, purged.answer());
    ASSERT_TRUE(purged.get());
  }
  ASSERT_TRUE(becomes_complete(n));
  const auto last = n.run(chain);
  ASSERT_TRUE(last);
  EXPECT_EQ(n.lists.status_of(last->id), "success");
  ASSERT_TRUE(becomes_complete(n));
  rebuild_progress progress;
  EXPECT_EQ(n.lists.dump(), rebuilt_offline(n, progress));
  EXPECT_FALSE(n.it->status().at("views").at("rebuilding").as_bool());
}

TEST(Rebuild, StoppedHalfwayItBeginsAgainAtTheNextStart) {
  node n;
  make_data(n);
  const auto before = n.lists.dump();
  n.it.reset();
  trim_all(n);
  n.lists.clear();
  n.lists.pace = [] { std::this_thread::sleep_for(milliseconds(50)); };
  n.open();
  n.it.reset();
  EXPECT_FALSE(complete(n));
  n.lists.pace = nullptr;
  n.open();
  ASSERT_TRUE(becomes_complete(n));
  EXPECT_EQ(n.lists.dump(), before);
}

TEST(Rebuild, ADamagedHistoryIsCountedAndLeftOut) {
  node n;
  const auto chain = n.save(echo_chain(2));
  const auto good = n.run(chain), bad = n.run(chain);
  ASSERT_TRUE(good && bad);
  n.it.reset();
  const auto key = key_builder(bad->at.partition).id(bad->id.id).u64(1).take();
  ASSERT_TRUE(n.store.get(table::events, key)->has_value());
  n.store.load({{table::events, key, std::nullopt, {}}});
  rebuild_progress progress;
  const auto lists = rebuilt_offline(n, progress);
  EXPECT_EQ(progress.unreadable, 1u);
  EXPECT_EQ(progress.executions, 1u);
}

} // namespace troupe

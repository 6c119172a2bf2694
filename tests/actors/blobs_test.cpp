// Large values: stored once, and gone with the last run that names them.
#include "tests/actors/support.hpp"

#include "persistence/store/tables.hpp"

namespace troupe {

using namespace test;

namespace {

/// 700 results of 300 bytes: no value is large, the state is.
constexpr const char* wide =
    R"({"name":"wide","nodes":[
      {"id":"l","name":"l","type":"FLOW","subtype":"LOOP",
       "parameters":{"loop_type":"for","count":700,"max_iterations":700}},
      {"id":"b","name":"b","type":"SKILL","subtype":"SKILL",
       "parameters":{"skill_type":"echo","parameters":{"t":"{{ input.text }}"}}},
      {"id":"w","name":"w","type":"FLOW","subtype":"WAIT",
       "parameters":{"wait_type":"for_signal","signal_name":"go"}}],
     "edges":[{"source":"l","source_port":"iteration","target":"b"},
              {"source":"b","target":"l","target_port":"loop_body"},
              {"source":"l","source_port":"complete","target":"w"}]})";

std::size_t count(const node& n, table in) {
  std::size_t rows = 0;
  EXPECT_TRUE(n.store.scan(in, {}, {}, [&](std::string_view, std::string_view) { return ++rows; }));
  return rows;
}

/// Values of large_input() in the partition of a run.
std::size_t large_values(const node& n, const started_run& run) {
  std::size_t rows = 0;
  const auto prefix = key_builder(run.at.partition).take();
  EXPECT_TRUE(n.store.scan(table::blobs, prefix, prefix_end(prefix),
                           [&](std::string_view, std::string_view value) {
                             rows += value.size() > 100'000 ? 1 : 0;
                             return true;
                           }));
  return rows;
}

result<done_at> purge(node& n, const run_id& run) {
  waiting<done_at> done;
  n.it->purge({run}, done.answer());
  return done.get();
}

/// Runs of the same partition.
std::vector<started_run> neighbours(node& n, const std::string& workflow,
                                    const std::string& input) {
  std::map<partition_id, started_run> first;
  for (;;) {
    auto one = n.run(workflow, input);
    if (!one)
      return {};
    const auto [at, fresh] = first.emplace(one->at.partition, *one);
    if (!fresh)
      return {at->second, *one};
  }
}

std::string large_input() {
  return R"({"text":")" + std::string(100'000, 'x') + "\"}";
}

} // namespace

TEST(Blobs, AWideStateLeavesOneSnapshotAndNothingAfterItsPurge) {
  node n;
  const auto id = n.save(wide);
  const auto run = n.run(id, R"({"text":")" + std::string(300, 'x') + "\"}", milliseconds(0));
  ASSERT_TRUE(run);
  ASSERT_TRUE(n.becomes(run->id, "waiting"));
  n.reopen();
  EXPECT_EQ(count(n, table::blobs), 3u) << "the definition, the loop's result, one snapshot";
  ASSERT_TRUE(n.command(run->id, commands::signal{"go", value_ref(share(json::object{})), {}}));
  ASSERT_TRUE(n.becomes(run->id, "success"));
  ASSERT_TRUE(purge(n, run->id));
  EXPECT_EQ(count(n, table::blob_refs), 0u);
  EXPECT_EQ(count(n, table::blobs), 1u) << "the definition stays";
}

TEST(Blobs, WhatRunsShareGoesWithTheLastOfThem) {
  node n;
  const auto runs = neighbours(n, n.save(echo_chain(1)), large_input());
  ASSERT_EQ(runs.size(), 2u);
  ASSERT_TRUE(purge(n, runs[0].id));
  EXPECT_EQ(large_values(n, runs[1]), 1u);
  ASSERT_TRUE(purge(n, runs[1].id));
  EXPECT_EQ(large_values(n, runs[1]), 0u);
}

TEST(Blobs, APurgeLeavesWhatAnotherRunIsAboutToName) {
  node n;
  const auto id = n.save(echo_chain(1));
  const auto old = n.run(id, large_input());
  ASSERT_TRUE(old);
  // A start in the same partition whose first turn is not durable yet when the purge is decided.
  n.store.commit_at_once(false);
  std::vector<waiting<started_run>> starts(64);
  for (auto& each : starts) {
    start_request what;
    what.workflow_id = id;
    what.input = share(*json::parse(large_input()));
    n.it->start(std::move(what), each.answer());
  }
  ASSERT_TRUE(eventually([&] { return n.store.queued().proposals >= 64; }));
  waiting<done_at> purged;
  n.it->purge({old->id}, purged.answer());
  ASSERT_TRUE(eventually([&] { return n.store.queued().proposals >= 65; }));
  n.store.commit_all();
  n.store.commit_at_once(true);
  EXPECT_TRUE(purged.get());
  std::size_t beside = 0;
  for (auto& each : starts) {
    const auto run = each.get();
    ASSERT_TRUE(run);
    EXPECT_TRUE(n.becomes(run->id, "success"));
    EXPECT_EQ(large_values(n, *run), 1u);
    beside += run->at.partition == old->at.partition ? 1 : 0;
  }
  EXPECT_GT(beside, 0u) << "none of the runs was in the partition of the purged one";
}

} // namespace troupe

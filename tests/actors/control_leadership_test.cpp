// Control comes and goes with its leadership, and knows what others wrote meanwhile.
#include "actors/control/directory.hpp"
#include "tests/actors/leadership_support.hpp"

namespace troupe {

using namespace test;

namespace {

constexpr partition_id control{0};

result<workflow_ptr> save_again(node& n, const std::string& id, int steps) {
  waiting<workflow_ptr> done;
  n.it->save_workflow(id, *json::parse(echo_chain(steps)), false, {}, done.answer());
  return done.get();
}

/// The rows of a workflow under another name, as another leader would have written them.
proposal copy_of(const node& n, const std::string& from, const std::string& to) {
  proposal out;
  out.changed = "workflows/" + to;
  const auto copy = [&](std::string_view collection, const std::string& a, const std::string& b) {
    const auto row = n.store.get(table::documents, document_key(collection, a));
    ASSERT_TRUE(row && *row);
    out.facts.push_back({table::documents, document_key(collection, b), **row, {}});
  };
  copy(workflows_collection, from, to);
  copy(versions_collection, version_document(from, 1), version_document(to, 1));
  return out;
}

} // namespace

TEST(ControlLeadership, OthersWriteWhileItIsElsewhere) {
  led_node n;
  const auto id = n.save(echo_chain(2));
  n.lose(control, 2);
  expect_refusal(save_again(n, id, 3), "not_leader");
  waiting<workflow_ptr> activated;
  n.it->activate_workflow(id, 1, activated.answer());
  expect_refusal(activated.get(), "not_leader");
  waiting<done_at> gone, written;
  n.it->delete_workflow(id, gone.answer());
  expect_refusal(gone.get(), "not_leader");
  n.it->write_document({"notes", "n", {}, json::object{}}, written.answer());
  expect_refusal(written.get(), "not_leader");
  EXPECT_TRUE(n.it->workflow(id, 0)) << "everybody may read";
  EXPECT_TRUE(n.run(id)) << "runs have their own leaders";
}

TEST(ControlLeadership, WhoLooksAgainSeesWhatNobodyHasToldItOf) {
  led_node n;
  const auto id = n.save(echo_chain(2));
  const catalog types;
  directory behind(n.store, compile_context{types, {}, {}, [](std::string_view) { return true; }});
  EXPECT_FALSE(behind.find(id, 0));
  behind.look_again(id);
  ASSERT_TRUE(behind.find(id, 0));
  ASSERT_TRUE(save_again(n, id, 3));
  EXPECT_EQ(behind.find(id, 0)->version, 1u);
  behind.look_again(id);
  ASSERT_TRUE(behind.find(id, 0));
  EXPECT_EQ(behind.find(id, 0)->version, 2u);
  behind.look_again("nothing");
  EXPECT_FALSE(behind.find("nothing", 0));
}

TEST(ControlLeadership, ReadsWhatOthersWroteBeforeItWrites) {
  led_node n;
  const auto id = n.save(echo_chain(2));
  n.lose(control, 2);
  n.store.load(copy_of(n, id, "theirs").facts);
  n.lead(control, 3);
  ASSERT_TRUE(eventually([&] { return n.it->workflow("theirs", 0) != nullptr; }));
  const auto next = save_again(n, "theirs", 3);
  ASSERT_TRUE(next) << next.error().code;
  EXPECT_EQ((*next)->version, 2u);
  EXPECT_TRUE(n.run("theirs"));
  EXPECT_TRUE(n.run(id));
}

TEST(ControlLeadership, WhoWaitsForAWriteIsTold) {
  led_node n;
  const auto id = n.save(echo_chain(2));
  n.store.commit_at_once(false);
  waiting<workflow_ptr> under_way, behind_it;
  n.it->save_workflow(id, *json::parse(echo_chain(3)), false, {}, under_way.answer());
  ASSERT_TRUE(eventually([&] { return n.store.queued().proposals == 1; }));
  n.it->save_workflow(id, *json::parse(echo_chain(4)), false, {}, behind_it.answer());
  n.lose(control, 2);
  expect_refusal(under_way.get(), "leadership_lost");
  const auto refused = behind_it.get();
  expect_refusal(refused, refused ? "" : refused.error().code);
  EXPECT_TRUE(refused.error().code == "not_leader" || refused.error().code == "leadership_lost");
  n.store.commit_at_once(true);
  EXPECT_EQ(n.store.commit_all(), 0u);
  n.lead(control, 3);
  ASSERT_TRUE(eventually([&] { return save_again(n, id, 5).has_value(); }));
  EXPECT_EQ(n.it->workflow(id, 0)->version, 2u);
}

TEST(ControlLeadership, RetentionIsForRunsOfOwnPartitions) {
  engine_settings how;
  how.retention_sweep = milliseconds(3'600'000);
  led_node n(how);
  const auto id = n.save(echo_chain(1));
  std::vector<run_id> here, elsewhere;
  for (int i = 0; i < 40; ++i) {
    const auto done = n.run(id);
    ASSERT_TRUE(done);
    (number(partition_of(done->id)) > 2 ? here : elsewhere).push_back(done->id);
  }
  waiting<done_at> written;
  n.it->write_document({"settings",
                        "retention",
                        {},
                        json::object{{"rules", json::array{json::object{{"max_age_seconds", 1}}}}}},
                       written.answer());
  ASSERT_TRUE(written.get());
  n.lose(partition_id{1}, 2);
  n.lose(partition_id{2}, 2);
  n.lose(control, 2);
  EXPECT_TRUE(n.after_a_while([&] {
    return std::all_of(here.begin(), here.end(), [&](const run_id& run) {
      return json::text_or(n.read(run), "code", "") == "execution_not_found";
    });
  }));
  n.lead(partition_id{1}, 3);
  n.lead(partition_id{2}, 3);
  EXPECT_TRUE(n.opens(4));
  ASSERT_FALSE(elsewhere.empty());
  for (const auto& run : elsewhere)
    EXPECT_EQ(n.status(run), "success");
}

} // namespace troupe

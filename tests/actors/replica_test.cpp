#include "tests/actors/two_nodes.hpp"

#include <random>
#include <thread>

namespace troupe {

using namespace test;

namespace {

using listeners = std::vector<std::shared_ptr<listener>>;

void put(node& n, const std::string& collection, const std::string& id,
         std::optional<json::value> body) {
  waiting<done_at> done;
  n.it->write_document({collection, id, std::nullopt, std::move(body)}, done.answer());
  ASSERT_TRUE(done.get());
}

std::vector<run_id> make_data(node& n) {
  const auto chain = n.save(echo_chain(3));
  std::vector<run_id> runs;
  for (int i = 0; i < 20; ++i)
    runs.push_back(n.run(chain, R"({"name":"Ann"})")->id);
  const auto open = n.run(n.save(asks_once), "{}", milliseconds(0));
  EXPECT_TRUE(open && n.becomes(open->id, "waiting"));
  const auto ended = n.run(n.save(asks_once), "{}", milliseconds(0));
  EXPECT_TRUE(ended && n.becomes(ended->id, "waiting"));
  EXPECT_TRUE(n.command(ended->id, commands::cancel{"enough", "me"}));
  put(n, "notes", "a", json::object{{"name", "first"}});
  put(n, "notes", "b", json::object{{"name", "second"}});
  put(n, "notes", "a", json::object{{"name", "first again"}});
  put(n, "notes", "b", std::nullopt);
  waiting<done_at> gone;
  n.it->delete_workflow(n.save(echo_chain(1)), gone.answer());
  EXPECT_TRUE(gone.get());
  waiting<done_at> purged;
  n.it->purge({runs.begin(), runs.begin() + 4}, purged.answer());
  EXPECT_TRUE(purged.get());
  return {runs.begin() + 4, runs.end()};
}

/// Only what differs is printed.
void expect_same_lists(const two_nodes& n) {
  const auto here = n.second.lists.dump(), there = n.first.lists.dump();
  std::vector<std::string> extra, missing;
  for (const auto& row : here)
    if (std::find(there.begin(), there.end(), row) == there.end())
      extra.push_back(row);
  for (const auto& row : there)
    if (std::find(here.begin(), here.end(), row) == here.end())
      missing.push_back(row);
  EXPECT_EQ(extra, std::vector<std::string>{});
  EXPECT_EQ(missing, std::vector<std::string>{});
  EXPECT_EQ(here.size(), there.size());
}

/// Runs that wait for a person, and what they are at the end of a test.
std::vector<run_id> start_asking(two_nodes& n, const std::string& workflow, int count) {
  std::vector<run_id> out;
  for (int i = 0; i < count; ++i)
    out.push_back(n.first.run(workflow, "{}", milliseconds(0))->id);
  for (const auto& run : out)
    EXPECT_TRUE(n.first.becomes(run, "waiting"));
  return out;
}

void expect_whole(two_nodes& n, const run_id& run, const listener& who, sequence_number since = 0) {
  EXPECT_TRUE(eventually([&] { return who.ends(run) > 0; }));
  EXPECT_TRUE(who.in_order());
  EXPECT_EQ(who.ends(run), 1);
  EXPECT_EQ(who.texts(run), n.events(run, since));
}

} // namespace

TEST(Replica, ListsOfAFollowerAreTheLeaders) {
  two_nodes n;
  make_data(n.first);
  ASSERT_TRUE(n.becomes_shown());
  EXPECT_GT(n.second.lists.dump().size(), 20u);
  expect_same_lists(n);
}

TEST(Replica, WhoHasControlsPositionFindsTheWorkflow) {
  two_nodes n;
  for (int i = 0; i < 30; ++i) {
    waiting<workflow_ptr> saved;
    n.first.it->save_workflow("w", *json::parse(echo_chain(1 + i % 3)), false, {}, saved.answer());
    const auto made = saved.get();
    ASSERT_TRUE(made);
    const auto at = (*made)->at;
    ASSERT_TRUE(eventually([&] { return n.second.lists.applied(at.partition) >= at.index; }));
    const auto found = n.second.workflows->find("w", 0);
    ASSERT_TRUE(found && found->executable);
    EXPECT_EQ(found->version, static_cast<std::uint32_t>(i + 1));
    EXPECT_EQ(found->definition_digest, (*made)->definition_digest);
  }
  waiting<workflow_ptr> back;
  n.first.it->activate_workflow("w", 2, back.answer());
  ASSERT_TRUE(back.get());
  EXPECT_TRUE(eventually([&] { return n.second.workflows->find("w", 0)->version == 2; }));
  EXPECT_EQ(n.second.workflows->find("w", 30)->active_version, 2u);
  waiting<done_at> gone;
  n.first.it->delete_workflow("w", gone.answer());
  ASSERT_TRUE(gone.get());
  EXPECT_TRUE(eventually([&] { return !n.second.workflows->find("w", 0); }));
}

TEST(Replica, SkillsOfWorkersElsewhereCompile) {
  two_nodes n;
  const auto definition =
      *json::parse(R"({"name":"w","steps":[{"step_id":"a","skill_type":"far","parameters":{}}]})");
  EXPECT_FALSE(n.second.workflows->check(definition).executable);
  put(n.first, std::string(skills_collection), "far", json::object{{"name", "far"}});
  EXPECT_TRUE(eventually([&] { return n.second.workflows->knows_skill("far"); }));
  EXPECT_TRUE(n.second.workflows->check(definition).executable);
  put(n.first, std::string(skills_collection), "far", std::nullopt);
  EXPECT_TRUE(eventually([&] { return !n.second.workflows->knows_skill("far"); }));
}

TEST(Replica, FiveHundredSubscribersGetEveryEventOnceAndInOrder) {
  two_nodes n;
  const auto runs = start_asking(n, n.first.save(asks_once), 5);
  ASSERT_TRUE(n.becomes_shown());
  std::mt19937 random(7);
  std::vector<std::tuple<run_id, sequence_number, std::shared_ptr<listener>, std::shared_ptr<void>>>
      all;
  const auto join = [&](int count) {
    for (int i = 0; i < count; ++i) {
      const auto& run = runs[random() % runs.size()];
      const sequence_number since = random() % 3;
      auto who = std::make_shared<listener>(since);
      auto handle = n.follow(run, who, since);
      all.emplace_back(run, since, std::move(who), std::move(handle));
    }
  };
  join(250);
  std::thread cancels([&] {
    for (const auto& run : runs)
      EXPECT_TRUE(n.first.command(run, commands::cancel{"", "me"}));
  });
  join(250);
  cancels.join();
  for (const auto& [run, since, who, handle] : all)
    expect_whole(n, run, *who, since);
}

TEST(Replica, ASlowSubscriberIsDroppedAndOthersAreNot) {
  two_nodes n;
  const auto run = start_asking(n, n.first.save(asks_once), 1).front();
  const auto slow = std::make_shared<listener>(0, 1), other = std::make_shared<listener>();
  const auto one = n.follow(run, slow), two = n.follow(run, other);
  ASSERT_TRUE(n.first.command(run, commands::cancel{"", "me"}));
  expect_whole(n, run, *other);
  EXPECT_EQ(slow->last(run), 2u);
  EXPECT_EQ(slow->ends(run), 0);
  EXPECT_EQ(n.second.shared->metrics.subscribers_dropped.value(), 1u);
  EXPECT_EQ(slow.use_count(), 1) << "it is let go of";
}

TEST(Replica, WhoLetsGoHearsNothingMore) {
  two_nodes n;
  const auto run = start_asking(n, n.first.save(asks_once), 1).front();
  const auto gone = std::make_shared<listener>(), stays = std::make_shared<listener>();
  auto one = n.follow(run, gone);
  const auto two = n.follow(run, stays);
  ASSERT_TRUE(eventually([&] { return gone->last(run) > 0 && stays->last(run) > 0; }));
  one.reset();
  ASSERT_TRUE(eventually([&] { return gone.use_count() == 1; }));
  const auto last = gone->last(run);
  ASSERT_TRUE(n.first.command(run, commands::cancel{"", "me"}));
  expect_whole(n, run, *stays);
  EXPECT_EQ(gone->last(run), last);
  EXPECT_EQ(gone->ends(run), 0);
}

TEST(Replica, WhoComesLaterIsToldOfTheOpenReviewOnce) {
  two_nodes n;
  const auto run = start_asking(n, n.first.save(asks_once), 1).front();
  const auto last = n.events(run).size();
  ASSERT_TRUE(n.becomes_shown());
  const auto late = std::make_shared<listener>(last);
  const auto one = n.follow(run, late, last);
  ASSERT_TRUE(eventually([&] { return !late->live().empty(); }));
  ASSERT_TRUE(n.first.command(run, commands::cancel{"", "me"}));
  expect_whole(n, run, *late, last);
  ASSERT_EQ(late->live().size(), 1u);
  EXPECT_NE(late->live().front().find(R"(user_input_required {"node":"h")"), std::string::npos);
  const auto after = std::make_shared<listener>();
  const auto two = n.follow(run, after);
  expect_whole(n, run, *after);
  EXPECT_TRUE(after->live().empty()) << "nothing waits any more";
}

TEST(Replica, WordsThatAreNoEventsReachFollowersOfTheRunAndOfItsWorkflow) {
  two_nodes n;
  const auto workflow = n.first.save(asks_once);
  const auto run = start_asking(n, workflow, 1).front();
  const auto who = std::make_shared<listener>(), watcher = std::make_shared<listener>();
  const auto one = n.follow(run, who);
  const auto two = n.second.it->subscriptions().watch(workflow, watcher);
  ASSERT_TRUE(eventually([&] { return !who->live().empty(); })) << "the open review";
  const auto word = std::make_shared<const std::string>(R"({"percent":5})");
  n.second.it->subscriptions().live(run, "progress", word);
  n.second.it->subscriptions().live(run, "user_input_required", word);
  ASSERT_TRUE(eventually([&] { return who->live().size() > 1 && !watcher->live().empty(); }));
  EXPECT_EQ(who->live().back(), R"(progress {"percent":5})");
  EXPECT_EQ(watcher->live().back(), R"(progress {"percent":5})");
}

TEST(Replica, AWatcherHearsOfEveryRunFromNowOn) {
  two_nodes n;
  const auto asking = n.first.save(asks_once), other = n.first.save(echo_chain(2));
  const auto old = start_asking(n, asking, 3);
  std::map<run_id, sequence_number> before;
  for (const auto& run : old)
    before[run] = n.events(run).size();
  const auto watcher = std::make_shared<listener>();
  watcher->any_start = true;
  const auto handle = n.second.it->subscriptions().watch(asking, watcher);
  const auto young = start_asking(n, asking, 3);
  const auto stranger = n.first.run(other);
  ASSERT_TRUE(stranger);
  for (const auto* runs : {&old, &young})
    for (const auto& run : *runs)
      ASSERT_TRUE(n.first.command(run, commands::cancel{"", "me"}));
  for (const auto* runs : {&old, &young})
    for (const auto& run : *runs) {
      const auto wanted = n.events(run, before[run]);
      EXPECT_TRUE(eventually([&] { return watcher->texts(run).size() >= wanted.size(); }));
      EXPECT_EQ(watcher->texts(run), wanted);
    }
  EXPECT_TRUE(watcher->in_order());
  EXPECT_EQ(watcher->last(stranger->id), 0u);
}

TEST(Replica, ARunThatIsOnItsWayIsWaitedFor) {
  two_nodes n;
  const auto workflow = n.first.save(echo_chain(2));
  n.log.cut = true;
  const auto run = n.first.run(workflow);
  ASSERT_TRUE(run);
  const auto early = std::make_shared<listener>();
  const auto handle = n.follow(run->id, early);
  std::this_thread::sleep_for(milliseconds(20));
  EXPECT_EQ(early->ends(run->id), 0);
  n.log.snapshot();
  expect_whole(n, run->id, *early);
}

TEST(Replica, ARunThatIsNotThereEnds) {
  two_nodes n;
  const auto nobody = make_run_id(n.first.clock.now(), partition_id{2}, 5);
  n.second.lead(2, true);
  const auto who = std::make_shared<listener>();
  const auto handle = n.follow(nobody, who);
  EXPECT_TRUE(eventually([&] { return who->ends(nobody) == 1; }));

  follower_limits limits;
  limits.unknown_wait = milliseconds(30);
  const auto followers = std::make_shared<run_followers>(limits);
  followers->start(n.second.shared, {[](const std::string&) {}, [] {}});
  n.second.lead(2, false);
  const auto waits = std::make_shared<listener>();
  const auto held = followers->subscribe(nobody, 3, waits);
  EXPECT_TRUE(eventually([&] { return waits->ends(nobody) == 1; }));
  followers->stop();
}

TEST(Replica, RowsThatComeAsAWholeAreShownAndOldOnesGo) {
  two_nodes n;
  const auto asking = n.first.save(asks_once), dropped = n.first.save(echo_chain(1));
  const auto open = start_asking(n, asking, 6);
  const auto gone = n.first.run(dropped);
  ASSERT_TRUE(gone);
  put(n.first, "notes", "old", json::object{{"name", "old"}});
  ASSERT_TRUE(n.becomes_shown());
  listeners all;
  std::vector<std::shared_ptr<void>> handles;
  for (const auto& run : open) {
    all.push_back(std::make_shared<listener>());
    handles.push_back(n.follow(run, all.back()));
  }
  n.log.cut = true;
  for (std::size_t i = 0; i < 3; ++i)
    ASSERT_TRUE(n.first.command(open[i], commands::cancel{"", "me"}));
  put(n.first, "notes", "old", std::nullopt);
  put(n.first, "notes", "new", json::object{{"name", "new"}});
  waiting<done_at> purged, deleted;
  n.first.it->purge({gone->id}, purged.answer());
  ASSERT_TRUE(purged.get());
  n.first.it->delete_workflow(dropped, deleted.answer());
  ASSERT_TRUE(deleted.get());
  const auto added = n.first.save(echo_chain(2));
  EXPECT_FALSE(n.second.workflows->find(added, 0));
  n.log.snapshot();
  ASSERT_TRUE(n.becomes_shown());
  expect_same_lists(n);
  EXPECT_TRUE(n.second.workflows->find(added, 0));
  EXPECT_FALSE(n.second.workflows->find(dropped, 0));
  for (std::size_t i = 3; i < 6; ++i)
    ASSERT_TRUE(n.first.command(open[i], commands::cancel{"", "me"}));
  for (std::size_t i = 0; i < 6; ++i)
    expect_whole(n, open[i], *all[i]);
}

TEST(Replica, ALongHistoryComesInPages) {
  two_nodes n;
  const auto run = n.first.run(n.first.save(echo_chain(400)));
  ASSERT_TRUE(run);
  ASSERT_GT(n.events(run->id).size(), 256u);
  const auto who = std::make_shared<listener>(), far = std::make_shared<listener>(200);
  const auto one = n.follow(run->id, who), two = n.follow(run->id, far, 200);
  expect_whole(n, run->id, *who);
  expect_whole(n, run->id, *far, 200);
}

TEST(Replica, NothingIsFedWhileTheViewsAreMadeAgain) {
  two_nodes n;
  n.second.gate->drop();
  const auto run = n.first.run(n.first.save(echo_chain(2)));
  ASSERT_TRUE(run);
  std::this_thread::sleep_for(milliseconds(30));
  EXPECT_TRUE(n.second.lists.dump().empty());
  n.second.gate->hold();
  ASSERT_TRUE(n.second.gate->open());
  ASSERT_TRUE(n.becomes_shown());
  expect_same_lists(n);
}

/// Whatever leads when: the same lists, workflows and events, once and in order.
TEST(Replica, LeadershipMayFlipAtAnyMoment) {
  const auto first_seed = std::random_device{}();
  for (unsigned round = 0; round < 6; ++round) {
    const auto seed = first_seed + round;
    SCOPED_TRACE("seed " + std::to_string(seed));
    std::mt19937 random(seed);
    two_nodes n;
    n.log.before_each = [&](const proposal& what) { // under the log's lock
      if (random() % 3 == 0)
        n.second.lead(number(what.partition), random() % 2 == 0);
    };
    n.second.lists.pace = [slow = random() % 3] { // the feed falls behind
      std::this_thread::sleep_for(milliseconds(slow * 3));
    };
    const auto asking = n.first.save(asks_once), chain = n.first.save(echo_chain(4));
    const auto watcher = std::make_shared<listener>();
    const auto watching = n.second.it->subscriptions().watch(asking, watcher);
    std::vector<std::pair<run_id, std::shared_ptr<listener>>> all;
    std::vector<std::shared_ptr<void>> handles;
    std::vector<run_id> open;
    for (int i = 0; i < 25; ++i) {
      const auto run = *n.first.run(i % 2 ? asking : chain, "{}", milliseconds(0));
      all.emplace_back(run.id, std::make_shared<listener>());
      handles.push_back(n.follow(run.id, all.back().second));
      if (i % 2)
        open.push_back(run.id);
      if (i % 5 == 0)
        put(n.first, "notes", std::to_string(i % 3), json::object{{"name", i}});
    }
    for (const auto& run : open)
      ASSERT_TRUE(n.first.becomes(run, "waiting") &&
                  n.first.command(run, commands::cancel{"", "me"}));
    for (const auto& [run, who] : all)
      expect_whole(n, run, *who);
    EXPECT_TRUE(eventually([&] {
      return std::all_of(open.begin(), open.end(), [&](const run_id& run) {
        return watcher->texts(run).size() == n.events(run).size();
      });
    }));
    EXPECT_TRUE(watcher->in_order());
    waiting<done_at> purged;
    n.first.it->purge({open.front()}, purged.answer());
    ASSERT_TRUE(purged.get());
    ASSERT_TRUE(n.becomes_shown());
    expect_same_lists(n);
    n.second.lists.pace = nullptr;
  }
}

} // namespace troupe

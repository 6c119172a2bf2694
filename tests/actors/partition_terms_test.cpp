// What comes from a former leadership does not touch the partition any more.
#include "actors/partition/partition_actor.hpp"
#include "actors/run/run_actor.hpp"
#include "actors/step/step_actor.hpp"
#include "tests/actors/leadership_support.hpp"

#include <caf/all.hpp>

namespace troupe {

using namespace test;

namespace {

constexpr partition_id home{1};

/// Counts what begins, and never ends it.
class endless_skills final : public skill_provider {
public:
  std::shared_ptr<skill_call> start(skill_task, skill_done, skill_live) override {
    ++begun;
    return nullptr;
  }
  std::atomic<int> begun{0};
};

/// A partition's actor alone, with runs that only note what they get.
struct alone {
  memory_store store;
  fake_views lists;
  movable_clock clock;
  catalog types;
  engine_settings settings;
  caf::actor_system_config config;
  caf::actor_system system{config};
  std::shared_ptr<engine_shared> shared =
      std::make_shared<engine_shared>(engine_ports{store, store, lists, clock}, settings, types);
  std::mutex mutex;
  std::vector<run_spawn> spawned;
  std::atomic<int> stopped{0}, asked{0}, refused{0}, not_begun{0};
  const run_id run = make_run_id(clock.now(), home, 7);

  alone() {
    shared->spawn_run = [this](const run_spawn& what) {
      const std::lock_guard lock(mutex);
      spawned.push_back(what);
      return probe();
    };
    shared->partitions.resize(2);
    shared->partitions[1] = spawn_partition_actor(system, *shared, home);
    store.load({{table::events, key_builder(home).id(run.id).u64(1).take(), "a turn", {}}});
  }
  ~alone() {
    waiting<done_at> closed;
    send(close_partition{promise<done_at>(closed.answer())});
    EXPECT_TRUE(closed.get());
    system.await_all_actors_done();
    shared->partitions.clear();
  }

  run_actor probe() {
    return system.spawn(
        [](run_actor::pointer self, alone* test) -> run_actor::behavior_type {
          return {
              [](begin_run&) {},
              [](join_run&) {},
              [test](command_run&) { ++test->asked; },
              [](ask_run&) {},
              [](watch_run&) {},
              [](settled&) {},
              [test](step_ended& m) { test->not_begun += m.begun ? 0 : 1; },
              [](step_live&) {},
              [](wait_over&) {},
              [](check_up&) {},
              [](step_alive&) {},
              [self, test](stop_run& m) {
                ++test->stopped;
                test->refused += m.why && m.why->code == "leadership_lost" ? 1 : 0;
                self->quit();
              },
          };
        },
        this);
  }
  template <class Message> void send(Message m) {
    caf::anon_send(shared->partition(home), std::move(m));
  }
  void lead(std::uint64_t term) {
    store.elect(home, {term, 1, true});
    send(open_partition{term});
    EXPECT_EQ(answered().code, "execution_not_found");
  }
  void ask() { send(command_run{run, commands::pause{"me"}, {}, {}}); }
  std::vector<std::uint64_t> terms() {
    const std::lock_guard lock(mutex);
    std::vector<std::uint64_t> out;
    for (const auto& each : spawned)
      out.push_back(each.term);
    return out;
  }
  /// Everything that was sent before is handled.
  failure answered() {
    waiting<done_at> done;
    send(command_run{make_run_id(clock.now(), home, 8),
                     commands::pause{"me"},
                     promise<done_at>(done.answer()),
                     {}});
    const auto got = done.get();
    return got ? failure{} : got.error();
  }
};

} // namespace

TEST(PartitionTerms, RunsBearTheTermThatLoadedThem) {
  alone a;
  a.lead(3);
  a.ask();
  a.lead(4);
  a.ask();
  EXPECT_TRUE(eventually([&] { return a.asked == 2; }));
  EXPECT_EQ(a.terms(), (std::vector<std::uint64_t>{3, 4}));
  EXPECT_TRUE(eventually([&] { return a.refused == 1; })) << "who waited was told";
  EXPECT_EQ(a.shared->metrics.runs_live.value(), 1u);
  EXPECT_EQ(a.shared->opened.load(), 1u);
}

TEST(PartitionTerms, MessagesOfAnotherTermAreDropped) {
  alone a;
  a.lead(3);
  a.ask();
  a.lead(4);
  a.ask();
  EXPECT_TRUE(eventually([&] { return a.asked == 2 && a.stopped == 1; }));
  const auto idle = [&](std::uint64_t term) {
    for (std::uint64_t received = 1; received < 5; ++received) // it is looked at, too
      a.send(run_idle{a.run, term, received, false, false, false});
  };
  idle(3);
  a.send(run_news{a.run, 3, true, true});
  a.send(outbox_added{3, {{home, "x.1", messages::cancel_child{}}}});
  EXPECT_EQ(a.answered().code, "execution_not_found");
  EXPECT_EQ(a.stopped, 1) << "its run is another one";
  EXPECT_EQ(a.shared->metrics.outbox_sent.value(), 0u);
  idle(4);
  EXPECT_TRUE(eventually([&] { return a.stopped == 2; }));
  EXPECT_EQ(a.refused, 1) << "nobody is refused by a run that was idle";
}

TEST(PartitionTerms, WhatTheLogToldLateIsNotBelieved) {
  alone a;
  a.store.elect(home, {5, other_node, false});
  a.send(open_partition{1});
  EXPECT_EQ(a.answered().code, "not_leader");
  EXPECT_EQ(a.shared->opened.load(), 0u);
  a.store.elect(home, {6, 1, true});
  EXPECT_EQ(a.answered().code, "opening") << "it is not told yet";
  a.send(open_partition{6});
  a.ask();
  a.send(leave_partition{}); // of term 5
  a.send(open_partition{5});
  EXPECT_EQ(a.answered().code, "execution_not_found");
  EXPECT_EQ(a.stopped, 0);
  a.store.elect(home, {7, other_node, false});
  a.send(leave_partition{});
  EXPECT_EQ(a.answered().code, "not_leader");
  EXPECT_TRUE(eventually([&] { return a.stopped == 1; }));
  EXPECT_EQ(a.shared->metrics.runs_live.value(), 0u);
  EXPECT_EQ(a.shared->opened.load(), 0u);
}

TEST(PartitionTerms, AProposalOfAFormerTermIsNobodysAnswer) {
  alone a;
  a.lead(3);
  const auto purge = [&](waiting<done_at>& answer) {
    const auto gone = make_run_id(a.clock.now(), home, a.terms().size() + 100);
    a.store.load({{table::events, key_builder(home).id(gone.id).u64(1).take(), "damaged", {}}});
    a.send(purge_runs{{gone}, promise<done_at>(answer.answer())});
  };
  waiting<done_at> before, after;
  purge(before);
  ASSERT_TRUE(eventually([&] { return a.store.queued().proposals == 1; }));
  a.lead(4);
  expect_refusal(before.get(), "leadership_lost");
  purge(after);
  ASSERT_TRUE(eventually([&] { return a.store.queued().proposals == 1; }));
  for (std::uint64_t ticket = 1; ticket < 4; ++ticket)
    a.send(settled{(std::uint64_t{3} << 40) + ticket, 1, nullptr});
  EXPECT_EQ(a.answered().code, "execution_not_found");
  EXPECT_EQ(a.store.commit_all(), 1u);
  const auto done = after.get();
  ASSERT_TRUE(done) << done.error().code;
}

/// The process may have stood still between the run's look at the log and the step.
TEST(PartitionTerms, AStepOfAFormerTermDoesNotBegin) {
  alone a;
  a.lead(4);
  const auto skills = std::make_shared<endless_skills>();
  a.shared->skills = skills;
  skill_task task;
  task.run = a.run;
  const auto run = a.probe();
  const auto step_under = [&](std::uint64_t term) {
    caf::anon_send(spawn_step_actor(a.system, *a.shared, run), run_step{task, term});
  };
  step_under(3);
  EXPECT_TRUE(eventually([&] { return a.not_begun == 1; }));
  EXPECT_EQ(skills->begun, 0);
  step_under(4);
  EXPECT_TRUE(eventually([&] { return skills->begun == 1; }));
  a.store.isolate(true);
  step_under(4);
  EXPECT_TRUE(eventually([&] { return a.not_begun == 2; }));
  EXPECT_EQ(skills->begun, 1);
}

} // namespace troupe

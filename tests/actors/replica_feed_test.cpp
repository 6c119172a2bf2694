#include "actors/replica/replica_feed.hpp"
#include "tests/actors/support.hpp"

#include <condition_variable>

namespace troupe {

using namespace test;

namespace {

constexpr partition_id one{1};

std::string name(std::uint64_t n) {
  return to_text(make_run_id(from_millis(1), one, n));
}

/// Notes what it is asked to show; waits at the gate.
struct maker {
  std::mutex mutex;
  std::condition_variable moved;
  bool open = true;
  int failing = 0;
  bool trimmed = false;
  std::vector<std::string> log;

  result<void> note(std::string what) {
    std::unique_lock lock(mutex);
    moved.wait(lock, [&] { return open; });
    log.push_back(std::move(what));
    if (failing > 0) {
      --failing;
      return failure{failure_kind::internal, "broken", "broken", {}, {}};
    }
    return {};
  }
  feed_steps steps() {
    return {[] { return true; },
            [this](partition_id, const std::vector<std::string>& names) {
              return note("names " + std::to_string(names.size()));
            },
            [this](partition_id, std::uint64_t after, std::uint64_t to) -> result<void> {
              auto done = note("log " + std::to_string(after) + "-" + std::to_string(to));
              if (trimmed)
                return failure{failure_kind::internal, "log_trimmed", "gone", {}, {}};
              return done;
            },
            [this](partition_id) { return note("all"); }};
  }
  void set_open(bool on) {
    const std::lock_guard lock(mutex);
    open = on;
    moved.notify_all();
  }
  std::vector<std::string> told() {
    const std::lock_guard lock(mutex);
    return log;
  }
};

struct fed {
  std::shared_ptr<fake_views> lists = std::make_shared<fake_views>();
  maker make;
  replica_feed feed{lists, {0, 0}};

  fed() { feed.start(make.steps()); }
  ~fed() {
    make.set_open(true);
    feed.stop();
  }
  bool reaches(std::uint64_t index) {
    return eventually([&] { return lists->applied(one) == index; });
  }
};

execution_row row(std::uint64_t n) {
  execution_row out;
  out.id = make_run_id(from_millis(1), one, n);
  return out;
}

} // namespace

TEST(ReplicaFeed, OwnProposalsGoStraightOnUnlessOthersWait) {
  fed f;
  f.feed.apply(one, 1, {row(1)});
  EXPECT_EQ(f.lists->applied(one), 1u);
  EXPECT_EQ(f.lists->dump().size(), 1u);
  f.make.set_open(false);
  const auto changed = name(2);
  f.feed.applied(one, 2, {changed});
  f.feed.apply(one, 3, {row(3)});
  EXPECT_EQ(f.lists->applied(one), 1u) << "what came before is not shown yet";
  EXPECT_EQ(f.lists->dump().size(), 1u) << "the row will be made of what is stored";
  f.make.set_open(true);
  EXPECT_TRUE(f.reaches(3));
  f.feed.apply(one, 4, {row(4)});
  EXPECT_EQ(f.lists->applied(one), 4u);
}

TEST(ReplicaFeed, EntriesThatShowNothingMoveThePosition) {
  fed f;
  EXPECT_FALSE(f.feed.applied(one, 1, {"", ""}));
  EXPECT_EQ(f.lists->applied(one), 1u);
  EXPECT_TRUE(f.make.told().empty());
}

TEST(ReplicaFeed, AnEntryWithoutProposalsIsLookedUpInTheLog) {
  fed f;
  EXPECT_TRUE(f.feed.applied(one, 1, {}));
  EXPECT_TRUE(f.reaches(1));
  f.make.trimmed = true; // then the rows came as a whole, up to just this index
  EXPECT_TRUE(f.feed.applied(one, 2, {}));
  EXPECT_TRUE(f.reaches(2));
  EXPECT_EQ(f.make.told(), (std::vector<std::string>{"log 0-1", "log 1-2", "all"}));
}

TEST(ReplicaFeed, AGapWithoutNamesShowsEverything) {
  fed f;
  f.feed.applied(one, 1, {""});
  EXPECT_TRUE(f.feed.applied(one, 9, {}));
  EXPECT_TRUE(f.reaches(9));
  EXPECT_EQ(f.make.told(), std::vector<std::string>{"all"});
}

TEST(ReplicaFeed, TooManyNamesAreReadFromTheLogAgain) {
  fed f;
  f.make.set_open(false);
  const auto first = name(0);
  f.feed.applied(one, 1, {first});
  ASSERT_TRUE(eventually([&] { return f.feed.lag() == 0; })) << "the first is being shown";
  for (std::uint64_t n = 1; n <= replica_feed::names_max + 5; ++n) {
    const auto changed = name(n);
    f.feed.applied(one, n + 1, {changed});
  }
  EXPECT_LT(f.feed.lag(), 10u);
  f.make.trimmed = true;
  f.make.set_open(true);
  const auto last = replica_feed::names_max + 6;
  EXPECT_TRUE(f.reaches(last));
  EXPECT_EQ(f.make.told(),
            (std::vector<std::string>{"names 1", "log 1-" + std::to_string(last), "all"}));
}

TEST(ReplicaFeed, WhatFailsIsTriedAgainBeforeThePositionMoves) {
  fed f;
  f.make.failing = 1;
  const auto changed = name(1) + "\n" + name(2);
  f.feed.applied(one, 1, {changed});
  ASSERT_TRUE(eventually([&] { return f.make.told().size() == 1; }));
  EXPECT_EQ(f.lists->applied(one), 0u);
  EXPECT_TRUE(f.reaches(1));
  EXPECT_EQ(f.make.told(), (std::vector<std::string>{"names 2", "names 2"}));
}

} // namespace troupe

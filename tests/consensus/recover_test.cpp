// A survivor of a lost majority goes on alone, with all that it has applied or logged.
#include "persistence/consensus/raft_codec.hpp"
#include "persistence/consensus/raft_recover.hpp"
#include "tests/consensus/log_cluster.hpp"

#include <gtest/gtest.h>

namespace troupe::test {

using namespace raft;

namespace {

constexpr partition_id where{1};

struct nobody final : raft_network {
  void send(node_number to, std::string bytes) override { sent.emplace_back(to, std::move(bytes)); }
  void send_bulk(node_number, std::string) override {}
  std::vector<std::pair<node_number, std::string>> sent;
};

proposal change_of(const std::string& name) {
  proposal out;
  out.partition = where;
  out.facts = {{table::events, key_builder(where).text(name).take(), name, {}}};
  return out;
}

/// What node 2 of three has stored, by hand.
struct survivor_disk {
  explicit survivor_disk(membership members = {{1, member_role::voter},
                                               {2, member_role::voter},
                                               {3, member_role::voter}}) {
    write(first_rows(partition_id{0}, members, log_head{}));
    write(first_rows(where, members, log_head{}));
  }
  void write(std::vector<row_change> rows) { EXPECT_TRUE(disk.write_batch(std::move(rows), true)); }

  void add(std::string payload, entry_kind kind = entry_kind::batch, term_number term = 3) {
    write({{table::log,
            log_key(where, ++last),
            encode(logged_entry{term, static_cast<std::uint8_t>(kind), payload}),
            {}},
           {table::log_meta, ballot_key(where), encode(ballot{term, 1}), {}}});
  }
  void add_change(const std::string& name) {
    std::string payload;
    append_proposal(payload, change_of(name));
    add(std::move(payload));
  }
  void applied(log_index index) {
    write({{table::log_meta, log_head_key(where), encode(log_head{index, {}}), {}}});
  }
  void recover() {
    for (const auto partition : {partition_id{0}, where}) {
      const auto found = remains_of(partition, disk);
      ASSERT_TRUE(found) << found.error().message;
      auto rows = rows_alone(partition, 2, *found, disk);
      ASSERT_TRUE(rows) << rows.error().message;
      write(std::move(*rows));
    }
  }

  crash_disk disk;
  log_index last = 1;
};

struct alone {
  explicit alone(survivor_disk& of) : driver(options(), of.disk, network) {
    EXPECT_TRUE(driver.open(now));
    run(3'000);
  }
  static driver_options options() {
    driver_options how;
    how.self = 2;
    how.partitions = 1;
    how.seed = 7;
    return how;
  }
  void run(std::uint64_t ms) {
    for (const auto until = now + ms; now < until; now += 20)
      EXPECT_TRUE(driver.run(now));
  }
  std::optional<bool> propose(const std::string& name) {
    std::optional<bool> good;
    driver.propose(change_of(name), [&](const auto& how) { good = how.has_value(); });
    run(100);
    return good;
  }

  nobody network;
  std::uint64_t now = 1'000;
  raft_driver driver;
};

bool has(const survivor_disk& of, const std::string& name) {
  return of.disk.get(table::events, key_builder(where).text(name).take())->has_value();
}

} // namespace

TEST(Recover, WhatIsAppliedOrLoggedStaysAndItLeads) {
  for (log_index applied = 0; applied <= 4; ++applied) {
    SCOPED_TRACE(applied);
    survivor_disk of;
    for (const auto* name : {"a", "b", "c"})
      of.add_change(name);
    of.applied(applied);
    const auto found = *remains_of(where, of.disk);
    EXPECT_EQ(found.applied, applied);
    EXPECT_EQ(found.last, 4u);
    EXPECT_EQ(found.last_term, 3u);
    {
      alone before(of);
      EXPECT_FALSE(before.driver.board(where).leads().here) << "without a majority";
    }
    of.recover();
    of.recover(); // as after a crash
    alone now(of);
    const auto leads = now.driver.board(where).leads();
    EXPECT_TRUE(leads.here);
    EXPECT_GT(leads.term, 3u);
    EXPECT_EQ(now.driver.partition(where).replica().members(),
              (membership{{2, member_role::voter}}));
    for (const auto* name : {"a", "b", "c"})
      EXPECT_TRUE(has(of, name) || applied > 1) << name; // rows of applied ones are not made here
    EXPECT_EQ(now.propose("d"), true);
    EXPECT_TRUE(has(of, "d"));
    EXPECT_TRUE(now.network.sent.empty());
  }
}

TEST(Recover, ChangesOfMembersThatWereUnderWayAreForgotten) {
  const membership without{{1, member_role::voter}, {3, member_role::voter}};
  const membership more{{1, member_role::voter},
                        {2, member_role::voter},
                        {3, member_role::voter},
                        {4, member_role::learner}};
  for (const auto& last : {without, more})
    for (const log_index applied : {1u, 2u}) {
      survivor_disk of;
      of.add_change("a");
      of.add(encode(more), entry_kind::members);
      of.add(encode(last), entry_kind::members);
      of.add_change("b");
      of.applied(applied);
      of.recover();
      alone now(of);
      EXPECT_TRUE(now.driver.board(where).leads().here);
      EXPECT_EQ(now.driver.partition(where).replica().members(),
                (membership{{2, member_role::voter}}));
      EXPECT_TRUE(has(of, "b"));
      // And others can be added.
      now.driver.want({{2, member_role::voter, true}, {5, member_role::learner, true}});
      now.run(500);
      EXPECT_EQ(now.driver.partition(where).replica().members().size(), 2u);
    }
}

TEST(Recover, ALearnerCanBeTheSurvivor) {
  survivor_disk of({{1, member_role::voter}, {2, member_role::learner}});
  of.add_change("a");
  of.recover();
  EXPECT_EQ(alone(of).propose("b"), true);
  EXPECT_TRUE(has(of, "a"));
}

TEST(Recover, AHoleInTheLogIsSaid) {
  survivor_disk of;
  of.add_change("a");
  of.last += 1;
  of.add_change("c");
  EXPECT_EQ(remains_of(where, of.disk).error().code, "store_corrupt");
}

} // namespace troupe::test

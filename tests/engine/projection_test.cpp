#include "tests/engine/harness.hpp"
#include "tests/engine/random_fields.hpp"

#include "runtime/engine/projection.hpp"

namespace troupe {
namespace {

using namespace test;

constexpr auto human = R"({"name":"w","nodes":[
  {"id":"t","name":"t","type":"TRIGGER","subtype":"MANUAL"},
  {"id":"h","name":"h","type":"HUMAN_IN_THE_LOOP","subtype":"APP","parameters":{
    "notification_type":"approval","title":"May I?","message":"pay","timeout_minutes":5}}],
  "edges":[{"source":"t","target":"h"}]})";
constexpr auto single =
    R"({"name":"w","steps":[{"step_id":"a","skill_type":"work","parameters":{}}]})";
constexpr auto pure = R"({"name":"w","nodes":[
  {"id":"t","name":"t","type":"TRIGGER","subtype":"MANUAL"}],"edges":[]})";

/// A run whose turns are projected as its actor does it, with the rows kept.
struct projected_run {
  explicit projected_run(std::string_view definition) : run(plan_of(definition), echo()) {
    run.after_turn = [this] { take(); };
  }
  void take() {
    std::vector<event> turn(run.history.begin() + static_cast<std::ptrdiff_t>(taken),
                            run.history.end());
    taken = run.history.size();
    if (turn.empty())
      return;
    last = project(run.state, turn, so_far, run.blobs, weak_digest);
    rows.push_back(last.turn);
    apply_timers();
    apply_active();
    follow(reloaded, run.state, turn, decode_turn(last.turn)->header.last);
    expect_same_footprint();
  }
  void apply_timers() {
    for (const auto& t : last.timers) {
      const bool changed =
          t.set ? timers.emplace(t.timer, t.due).second : timers.erase(t.timer) == 1;
      EXPECT_TRUE(changed) << "a row is put once, and deleted once";
    }
    std::map<std::uint64_t, instant> expected;
    for (const auto& [timer, info] : run.state.timers)
      expected[timer] = info.due;
    EXPECT_EQ(timers, expected);
  }
  void apply_active() {
    if (last.active == active_change::remove || last.active == active_change::move) {
      EXPECT_EQ(active.erase(last.owing_before), 1u);
    }
    if (last.active == active_change::put || last.active == active_change::move) {
      EXPECT_TRUE(active.insert(last.owing).second);
    }
    EXPECT_EQ(active.size(), terminal(run.state.status) ? 0u : 1u);
  }
  void expect_same_footprint() const {
    EXPECT_EQ(reloaded.last, so_far.last);
    EXPECT_EQ(reloaded.active, so_far.active);
    EXPECT_EQ(reloaded.owing, so_far.owing);
    EXPECT_EQ(reloaded.shown, so_far.shown);
    EXPECT_EQ(reloaded.reviews.size(), so_far.reviews.size());
  }

  core_run run;
  footprint so_far, reloaded;
  projected last;
  std::size_t taken = 0;
  std::vector<std::string> rows;
  std::map<std::uint64_t, instant> timers;
  std::set<bool> active;
};

TEST(Projection, ChainsTheTurnsOfARun) {
  projected_run r{single};
  r.run.start();
  r.run.run();
  ASSERT_EQ(r.run.status(), "success") << r.run.trace();
  ASSERT_GE(r.rows.size(), 2u);
  chain_hash previous{};
  std::size_t events = 0;
  for (const auto& bytes : r.rows) {
    const auto row = decode_turn(bytes);
    ASSERT_TRUE(row);
    EXPECT_TRUE(verify_turn(*row, weak_digest));
    EXPECT_EQ(row->header.previous, previous);
    previous = row->header.last;
    events += row->header.count;
  }
  EXPECT_EQ(events, r.run.history.size());
  EXPECT_EQ(r.so_far.last, previous);
}

TEST(Projection, KeepsARowOfActiveRunsUntilTheEnd) {
  projected_run r{single};
  r.run.start();
  EXPECT_EQ(r.active, std::set<bool>{true}) << "an attempt is in flight";
  r.run.run();
  EXPECT_TRUE(r.active.empty());
  EXPECT_EQ(r.last.active, active_change::remove);
}

TEST(Projection, AWaitingRunMovesToTheOtherRange) {
  projected_run r{R"({"name":"w","nodes":[
    {"id":"a","name":"a","type":"SKILL","subtype":"SKILL",
      "parameters":{"skill_type":"work","parameters":{}}},
    {"id":"w","name":"w","type":"FLOW","subtype":"WAIT",
      "parameters":{"wait_type":"fixed_delay","duration_seconds":5}}],
    "edges":[{"source":"a","target":"w"}]})"};
  r.run.start();
  EXPECT_EQ(r.active, std::set<bool>{true});
  r.run.step();
  EXPECT_EQ(r.active, std::set<bool>{false});
  EXPECT_EQ(r.last.active, active_change::move);
  ASSERT_TRUE(r.last.execution);
  EXPECT_EQ(r.last.execution->status, run_status::waiting);
  EXPECT_FALSE(r.timers.empty());
  r.run.run();
  EXPECT_EQ(r.run.status(), "success");
  EXPECT_TRUE(r.timers.empty() && r.active.empty());
}

TEST(Projection, ARunOfOneTurnLeavesNoRowBehind) {
  projected_run r{pure};
  r.run.start();
  ASSERT_EQ(r.run.status(), "success") << r.run.trace();
  EXPECT_EQ(r.rows.size(), 1u);
  EXPECT_EQ(r.last.active, active_change::none);
  EXPECT_TRUE(r.last.timers.empty());
  ASSERT_TRUE(r.last.execution);
  EXPECT_EQ(r.last.execution->status, run_status::success);
  EXPECT_EQ(r.last.execution->last_seq, r.run.state.seq);
}

TEST(Projection, SetAndCancelledInOneTurnIsNoRow) {
  footprint so_far;
  run_state s;
  memory_blobs blobs;
  s.status = run_status::running;
  events::timer_set set;
  set.timer = 1;
  set.due = from_millis(50);
  s.seq = 3;
  const auto out = project(s,
                           {{1, {}, set},
                            {2, {}, events::timer_cancelled{1, from_millis(50)}},
                            {3, {}, events::timer_fired{9, from_millis(40)}}},
                           so_far, blobs, weak_digest);
  ASSERT_EQ(out.timers.size(), 1u);
  EXPECT_EQ(out.timers[0].timer, 9u);
  EXPECT_FALSE(out.timers[0].set);
  EXPECT_EQ(out.timers[0].due, from_millis(40));
}

TEST(Projection, ListsAReviewFromOpenToDecided) {
  projected_run r{human};
  r.run.start();
  ASSERT_EQ(r.last.reviews.size(), 1u) << r.run.trace();
  EXPECT_EQ(r.last.reviews[0].status, "pending");
  EXPECT_EQ(r.last.reviews[0].title, "May I?");
  const auto open = parsed(r.last.reviews[0].body);
  const auto id = r.last.reviews[0].id;
  EXPECT_EQ(open.at("review_id").as_string(), json::string(id));
  EXPECT_EQ(open.at("message").as_string(), "pay");
  EXPECT_TRUE(open.at("deadline").is_string());
  EXPECT_TRUE(open.at("decided_at").is_null());
  r.run.give(
      {commands::decide_review{id, true, value_ref{share(json::object{{"n", 1}})}, "ok", "me"}});
  ASSERT_EQ(r.last.reviews.size(), 1u) << r.run.trace();
  EXPECT_EQ(r.last.reviews[0].status, "approved");
  EXPECT_EQ(r.last.reviews[0].title, "May I?") << "the row stays whole";
  const auto done = parsed(r.last.reviews[0].body);
  EXPECT_EQ(done.at("decided_by").as_string(), "me");
  EXPECT_EQ(done.at("data").at("n").as_int64(), 1);
  EXPECT_TRUE(r.so_far.reviews.empty());
}

TEST(Projection, AnEndWithdrawsOpenReviews) {
  projected_run r{human};
  r.run.start();
  r.run.give({commands::cancel{"no more", "me"}});
  ASSERT_EQ(r.last.reviews.size(), 1u);
  EXPECT_EQ(r.last.reviews[0].status, "cancelled");
  EXPECT_TRUE(r.so_far.reviews.empty() && r.timers.empty());
}

TEST(Projection, SendsMessagesToChildrenAndParents) {
  const auto other = make_run_id(from_millis(1), partition_id{5}, 9);
  const auto parent = make_run_id(from_millis(1), partition_id{6}, 4);
  run_state s;
  s.id = make_run_id(from_millis(1), partition_id{2}, 3);
  s.status = run_status::success;
  s.start.parent = parent_link{parent, {"call", {2}}};
  s.start.trace_id = "trace";
  events::child_started begin;
  begin.at = {"sub", {1}};
  begin.child = other;
  begin.workflow_id = "wf";
  begin.depth = 3;
  events::execution_finished end;
  end.output = value_ref{share(7)};
  footprint so_far;
  memory_blobs blobs;
  const auto out = project(
      s, {{4, {}, begin}, {5, {}, events::child_cancelled{{"sub", {1}}, other}}, {6, {}, end}},
      so_far, blobs, weak_digest);
  ASSERT_EQ(out.outbox.size(), 3u);
  EXPECT_EQ(out.outbox[0].target, partition_id{5});
  EXPECT_EQ(out.outbox[1].target, partition_id{5});
  EXPECT_EQ(out.outbox[2].target, partition_id{6});
  EXPECT_EQ(out.outbox[0].id, to_text(s.id) + ".4");
  for (const auto& message : out.outbox) {
    const auto text = encode_message(message.what);
    const auto back = decode_message(text);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(encode_message(*back), text);
  }
  const auto& start = std::get<messages::start_child>(out.outbox[0].what);
  EXPECT_EQ(start.parent.run, s.id);
  EXPECT_EQ(start.parent.at.iteration, iteration_path{1});
  EXPECT_EQ(start.trace_id, "trace");
  const auto& ended = std::get<messages::child_ended>(out.outbox[2].what);
  EXPECT_EQ(ended.parent.at.node, "call");
  EXPECT_EQ(ended.child, s.id);
}

TEST(Message, RefusesGarbage) {
  EXPECT_EQ(decode_message("{").error().code, "message_malformed");
  EXPECT_EQ(decode_message("3").error().code, "message_malformed");
  EXPECT_EQ(decode_message(R"({"message":"dance"})").error().code, "message_unknown");
  EXPECT_EQ(decode_message(R"({"message":"cancel_child","child":7})").error().code,
            "message_malformed");
}

TEST(Projection, NamesEachBlobOnce) {
  events::node_completed e;
  const blob_id id{9};
  e.ports = {{"main", value_ref{id, 70'000}}, {"copy", value_ref{id, 70'000}}};
  footprint so_far;
  memory_blobs blobs;
  run_state s;
  const auto out = project(s, {{1, {}, e}}, so_far, blobs, weak_digest);
  EXPECT_EQ(out.blobs, std::vector<blob_id>{id});
}

TEST(Owed, WhatATurnAddsIsPartOfWhatTheStateOwes) {
  projected_run r{single};
  r.run.start();
  const auto all = owed(r.run.the_plan(), r.run.state);
  const auto added = newly_owed(r.run.the_plan(), r.run.state, r.run.history);
  EXPECT_EQ(added, all);
  ASSERT_FALSE(all.empty());
  const auto& attempt = std::get<effects::run_attempt>(all.front());
  EXPECT_EQ(attempt.idempotency_key, to_text(r.run.state.id) + "/a");
  EXPECT_EQ(attempt.skill, "work");
  r.run.run();
  EXPECT_TRUE(owed(r.run.the_plan(), r.run.state).empty());
}

TEST(Owed, TheKeyChangesOnlyWhenAPersonEditedTheInput) {
  run_state s;
  s.id = make_run_id(from_millis(1), partition_id{1}, 1);
  const place at{"a", {3, 0}};
  const auto base = to_text(s.id) + "/a/3/0";
  EXPECT_EQ(idempotency_key(s, at), base);
  s.attempt = 2;
  EXPECT_EQ(idempotency_key(s, at), base);
  s.overrides = share(json::object{{"b", json::object{}}});
  EXPECT_EQ(idempotency_key(s, at), base);
  s.overrides = share(json::object{{"a", json::object{}}});
  EXPECT_EQ(idempotency_key(s, at), base + "/r2");
}

} // namespace
} // namespace troupe

// Partitions come and go with their leadership: nothing starts twice, and nothing is forgotten.
#include "tests/actors/leadership_support.hpp"

#include "runtime/engine/codec.hpp"

#include <random>
#include <set>

namespace troupe {

using namespace test;

namespace {

constexpr partition_id first{1}, second{2};

fake_http::answerer never() {
  return [](const auto&) { return std::nullopt; };
}

/// Whether the step of a run is finished, as far as it is committed.
bool completed(const memory_store& store, const run_id& run, const std::string& step) {
  bool found = false;
  const auto prefix = key_builder(partition_of(run)).id(run.id).take();
  const auto read = store.scan(
      table::events, prefix, prefix_end(prefix), [&](std::string_view, std::string_view value) {
        const auto turn = decode_turn(value);
        const auto events = turn ? decode_events(turn->text) : turn.error();
        for (const auto& e : events ? *events : std::vector<event>{})
          if (const auto* done = std::get_if<events::node_completed>(&e.what))
            found = found || done->at.node == step;
        return !found;
      });
  return read && found;
}

struct listener final : subscriber {
  bool on_event(const run_id&, sequence_number, std::string_view,
                const std::shared_ptr<const std::string>&) override {
    ++events;
    return true;
  }
  bool on_live(const run_id&, std::string_view,
               const std::shared_ptr<const std::string>&) override {
    return true;
  }
  void on_end(const run_id&) override { ended = true; }
  std::atomic<int> events{0};
  std::atomic<bool> ended{false};
};

} // namespace

TEST(Leadership, OpensOnlyWhatItLeads) {
  led_node n;
  n.it.reset();
  n.lose(first, 5);
  n.lose(second, 5);
  n.open();
  EXPECT_EQ(n.partitions_open(), 2u);
  const auto id = n.save(echo_chain(2));
  std::set<std::uint16_t> used;
  for (int i = 0; i < 60; ++i) {
    const auto done = n.run(id);
    ASSERT_TRUE(done) << done.error().code;
    used.insert(number(partition_of(done->id)));
  }
  EXPECT_EQ(used, (std::set<std::uint16_t>{3, 4}));
  n.lead(first, 6);
  EXPECT_TRUE(n.opens(3));
}

TEST(Leadership, AKeyKeepsItsPartitionWhoeverLeadsIt) {
  led_node n;
  const auto id = n.save(echo_chain(1));
  start_request what;
  what.workflow_id = id;
  what.input = share(json::object{});
  what.wait = milliseconds(10'000);
  std::map<std::string, run_id> runs;
  for (int i = 0; i < 20; ++i) {
    what.idempotency_key = "key " + std::to_string(i);
    const auto done = n.start(what);
    ASSERT_TRUE(done);
    runs.emplace(what.idempotency_key, done->id);
  }
  n.lose(first, 2);
  n.lose(second, 2);
  int refused = 0;
  for (const auto& [key, run] : runs) {
    what.idempotency_key = key;
    const auto again = n.start(what);
    const bool elsewhere = number(partition_of(run)) <= 2;
    refused += elsewhere ? 1 : 0;
    if (elsewhere) {
      expect_refusal(again, "not_leader");
    } else {
      ASSERT_TRUE(again) << again.error().code;
      EXPECT_EQ(again->id, run);
    }
  }
  EXPECT_GT(refused, 0);
  EXPECT_LT(refused, 20);
}

TEST(Leadership, QuestionsForOthersAreAnsweredWithTheLeadersNumber) {
  led_node n;
  const auto done = n.run(n.save(echo_chain(1)));
  ASSERT_TRUE(done);
  n.lose(partition_of(done->id), 2);
  waiting<execution_text> text;
  n.it->read(done->id, text.answer());
  expect_refusal(text.get(), "not_leader");
  waiting<event_page> events;
  n.it->events(done->id, 0, 10, events.answer());
  expect_refusal(events.get(), "not_leader");
  waiting<json::value> report, replay;
  n.it->report(done->id, "logs", report.answer());
  expect_refusal(report.get(), "not_leader");
  n.it->replay(done->id, false, replay.answer());
  expect_refusal(replay.get(), "not_leader");
  expect_refusal(n.command(done->id, commands::cancel{"", ""}), "not_leader");
  waiting<done_at> purged;
  const auto other =
      partition_id{number(partition_of(done->id)) == 1 ? std::uint16_t{2} : std::uint16_t{1}};
  n.it->purge({make_run_id(n.clock.now(), other, 7), done->id}, purged.answer());
  expect_refusal(purged.get(), "not_leader");
}

TEST(Leadership, ALostTurnIsAnsweredAndTheRunGoesOnFromWhatIsCommitted) {
  led_node n({}, never());
  auto [run, answer] = n.begin(n.save(calls_in_a_row({"a", "b"}, 0)));
  const auto p = partition_of(run);
  n.http.answer(0, http_answer(200));
  ASSERT_TRUE(n.http.wait_for_calls(2));
  n.store.commit_at_once(false);
  n.http.answer(1, http_answer(200));
  ASSERT_TRUE(eventually([&] { return n.store.queued().proposals > 0; }));
  n.lose(p, 2);
  expect_refusal(answer.get(), "leadership_lost");
  EXPECT_TRUE(n.opens(3));
  EXPECT_TRUE(eventually([&] { return n.live() == 0; }));
  n.store.commit_at_once(true);
  EXPECT_EQ(n.store.commit_all(), 0u) << "nothing of it was left in the log";
  EXPECT_EQ(n.http.requests().size(), 2u);

  n.lead(p, 3);
  ASSERT_TRUE(n.http.wait_for_calls(3)) << "the outcome of b was not committed";
  const auto requests = n.http.requests();
  EXPECT_NE(requests[2].url.find("/b"), std::string::npos);
  EXPECT_EQ(n.key_of(requests[1]), n.key_of(requests[2]));
  n.http.answer(2, http_answer(200));
  EXPECT_TRUE(n.becomes(run, "success"));
  EXPECT_EQ(n.http.requests().size(), 3u);
}

TEST(Leadership, ACallUnderWayIsAbortedAndWhoWaitsIsTold) {
  led_node n({}, never());
  auto [run, answer] = n.begin(n.save(http_step()));
  n.lose(partition_of(run), 2);
  expect_refusal(answer.get(), "leadership_lost");
  EXPECT_TRUE(eventually([&] { return n.http.aborted() == 1; }));
  EXPECT_TRUE(eventually([&] { return n.live() == 0; }));
  n.lead(partition_of(run), 3);
  ASSERT_TRUE(n.http.wait_for_calls(2));
  n.http.answer(1, http_answer(200));
  EXPECT_TRUE(n.becomes(run, "success"));
}

TEST(Leadership, OpeningTwiceUnderTheSameTermDoesNothing) {
  led_node n({}, never());
  auto [run, answer] = n.begin(n.save(http_step()));
  const auto p = partition_of(run);
  n.lead(p, 2);
  ASSERT_TRUE(n.http.wait_for_calls(2)) << "another term is another leadership";
  EXPECT_TRUE(n.becomes(run, "running"));
  for (int i = 0; i < 3; ++i)
    n.lead(p, 2);
  EXPECT_EQ(n.status(run), "running"); // behind the messages
  EXPECT_EQ(n.partitions_open(), 4u);
  EXPECT_EQ(n.http.requests().size(), 2u);
  n.http.answer(1, http_answer(200));
  EXPECT_TRUE(n.becomes(run, "success"));
}

TEST(Leadership, WithoutAMajorityInSightNoStepStarts) {
  led_node n({}, never());
  auto [run, answer] = n.begin(n.save(calls_in_a_row({"a", "b"}, 0)));
  n.store.isolate(true);
  n.http.answer(0, http_answer(200));
  expect_refusal(answer.get(), "leadership_lost");
  EXPECT_TRUE(eventually([&] { return completed(n.store, run, "a"); })) << "proposals commit";
  EXPECT_TRUE(eventually([&] { return n.live() == 0; }));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(n.it->move_clock(json::object{{"advance_seconds", 2}}));
    expect_refusal(n.command(run, commands::pause{"me"}), "run_restarting");
  }
  EXPECT_EQ(n.http.requests().size(), 1u);
  n.store.isolate(false);
  ASSERT_TRUE(n.after_a_while([&] { return n.http.requests().size() == 2; }));
  ASSERT_TRUE(n.http.wait_for_calls(2));
  n.http.answer(1, http_answer(200));
  EXPECT_TRUE(n.becomes(run, "success")) << "refusals are no interruptions";
  EXPECT_EQ(n.http.requests().size(), 2u);
}

TEST(Leadership, WithoutAMajorityInSightNothingIsToldOfARun) {
  led_node n;
  const auto id = n.save(echo_chain(1));
  start_request keyed;
  keyed.workflow_id = id;
  keyed.input = share(json::object{});
  keyed.idempotency_key = "known";
  keyed.wait = milliseconds(10'000);
  waiting<started_run> started;
  n.it->start(keyed, started.answer());
  const auto done = started.get();
  ASSERT_TRUE(done);
  EXPECT_TRUE(n.it->speaks_for(done->id));

  n.store.isolate(true);
  EXPECT_FALSE(n.it->speaks_for(done->id));
  const auto refused = [](const auto& got) { return !got && got.error().code == "not_leader"; };
  waiting<execution_text> text;
  n.it->read(done->id, text.answer());
  EXPECT_TRUE(refused(text.get()));
  waiting<event_page> page;
  n.it->events(done->id, 0, 10, page.answer());
  EXPECT_TRUE(refused(page.get()));
  waiting<json::value> report, replay;
  n.it->report(done->id, "report", report.answer());
  EXPECT_TRUE(refused(report.get()));
  n.it->replay(done->id, true, replay.answer());
  EXPECT_TRUE(refused(replay.get()));
  // That it is not there, or ended, may be true no more.
  auto unknown = done->id;
  unknown.id.bytes[15] ^= 1;
  EXPECT_TRUE(refused(n.command(unknown, commands::cancel{"", "me"})));
  waiting<started_run> again;
  n.it->start(keyed, again.answer());
  EXPECT_FALSE(again.get());

  n.store.isolate(false);
  waiting<execution_text> later;
  n.it->read(done->id, later.answer());
  EXPECT_TRUE(later.get());
}

TEST(Leadership, WithoutAMajorityInSightNoMessageLeaves) {
  led_node n;
  const auto child = n.save(echo_chain(2));
  const auto parent = n.save(
      R"({"name":"p","edges":[],"nodes":[{"id":"c","name":"c","type":"SUBWORKFLOW",
          "subtype":"SUBWORKFLOW","parameters":{"workflow_id":")" +
      child + R"(","input":{"name":"Bo"}}}]})");
  n.store.isolate(true);
  const auto begun = n.run(parent, "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.it->move_clock(json::object{{"advance_seconds", 30}}));
  EXPECT_NE(n.status(begun->id), "success");
  EXPECT_NE(n.it->metrics().find("troupe_messages_sent_total 0"), std::string::npos);
  n.store.isolate(false);
  EXPECT_TRUE(n.after_a_while([&] { return n.status(begun->id) == "success"; }));
}

TEST(Leadership, ASubscriptionDoesNotEndWithIt) {
  led_node n({}, never());
  auto [run, answer] = n.begin(n.save(http_step()));
  const auto before = std::make_shared<listener>(), after = std::make_shared<listener>();
  const auto held = n.it->subscribe(run, 0, before);
  ASSERT_TRUE(eventually([&] { return before->events > 0; }));
  n.lose(partition_of(run), 2);
  EXPECT_TRUE(n.opens(3));
  const auto none = n.it->subscribe(run, 0, after);
  EXPECT_FALSE(before->ended);
  EXPECT_FALSE(after->ended) << "it goes on elsewhere";
}

TEST(Leadership, QueuedStartsAreToldAndTheirTokensComeBack) {
  led_node n({}, never());
  const auto id = n.save(calls_in_a_row({"a"}, 1));
  auto [run, answer] = n.begin(id);
  const auto queued = n.run(id, "{}", milliseconds(0));
  ASSERT_TRUE(queued);
  EXPECT_TRUE(n.becomes(queued->id, "queued"));
  for (const auto& each : {run, queued->id})
    n.lose(partition_of(each), 2);
  EXPECT_TRUE(eventually([&] { return n.live() == 0; }));
  n.lead(partition_of(queued->id), 3);
  n.lead(partition_of(run), 3);
  for (std::size_t i = 1; i < 3; ++i) {
    ASSERT_TRUE(n.http.wait_for_calls(i + 1));
    n.http.answer(i, http_answer(200));
  }
  EXPECT_TRUE(n.becomes(run, "success"));
  EXPECT_TRUE(n.becomes(queued->id, "success"));
}

namespace {

/// A node under load that wins and loses partitions all the time.
struct flipping_node {
  std::atomic<int> finished_again{0}, starts{0};
  led_node n;
  std::atomic<bool> done{false};
  std::uint64_t term = 1;

  explicit flipping_node(engine_settings how)
      : n(std::move(how), [this](const http::outgoing_request& r) { return answer(r); }) {}

  std::optional<result<http::incoming_response>> answer(const http::outgoing_request& r) {
    ++starts;
    const auto key = led_node::key_of(r);
    const auto step = key.substr(37, key.find('/', 37) - 37);
    if (completed(n.store, led_node::run_of(r), step))
      ++finished_again;
    return http_answer(200);
  }
  void commit_until_done() {
    while (!done) {
      n.store.commit_all();
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  }
  void flip(std::mt19937& random) {
    const auto p = partition_id{static_cast<std::uint16_t>(1 + random() % 4)};
    if (random() % 4 > 0) {
      n.lose(p, ++term);
      std::this_thread::sleep_for(std::chrono::microseconds(random() % 4'000));
    }
    n.lead(p, ++term);
    std::this_thread::sleep_for(std::chrono::microseconds(random() % 4'000));
  }
};

} // namespace

TEST(Leadership, ManyFlipsUnderLoadLoseNothingAndRepeatNothing) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  engine_settings how;
  how.interruptions_max = 1'000'000;
  flipping_node f(how);
  auto& n = f.n;
  const auto id = n.save(calls_in_a_row({"a", "b", "c"}, 20));
  n.store.commit_at_once(false);
  std::thread committing([&] { f.commit_until_done(); });
  std::thread flipping([&] {
    std::mt19937 random(seed);
    for (int i = 0; i < 300; ++i)
      f.flip(random);
  });
  std::set<std::string> refusals;
  std::vector<run_id> runs;
  for (int i = 0; i < 300; ++i)
    if (const auto begun = n.run(id, "{}", milliseconds(0)))
      runs.push_back(begun->id);
    else
      refusals.insert(begun.error().code);
  flipping.join();
  EXPECT_GT(runs.size(), 100u);
  for (const auto& code : refusals)
    EXPECT_TRUE(code == "not_leader" || code == "leadership_lost" || code == "opening") << code;
  EXPECT_TRUE(n.opens(4));
  for (const auto& run : runs)
    EXPECT_TRUE(n.after_a_while([&] { return n.status(run) == "success"; })) << n.status(run);
  EXPECT_EQ(f.finished_again, 0) << "of " << f.starts;
  EXPECT_TRUE(n.after_a_while([&] { return n.live() == 0; }));
  for (int i = 0; i < 60; ++i)
    EXPECT_TRUE(n.run(id)) << "all tokens came back";
  EXPECT_EQ(n.it->status().at("steps_running").to_number<int>(), 0);
  f.done = true;
  committing.join();
}

} // namespace troupe

#include "tests/actors/support.hpp"

namespace troupe {

using namespace test;

namespace {

engine_settings watchful(milliseconds stuck_after = milliseconds(1'000)) {
  engine_settings settings;
  settings.stuck_after = stuck_after;
  return settings;
}

fake_http::answerer never() {
  return [](const auto&) { return std::nullopt; };
}

void lose(node& n, const run_id& run, const char* what, int times = 1) {
  ASSERT_TRUE(n.it->fault(json::object{
      {"kind", "drop"}, {"what", what}, {"actor", "run:" + to_text(run)}, {"times", times}}));
}

/// Lets time pass in steps, until something is so; at most two minutes of the node's time.
template <class So> bool after_a_while(node& n, So so, std::int64_t step_ms = 400) {
  for (int i = 0; i < 300; ++i) {
    if (so())
      return true;
    EXPECT_TRUE(n.it->move_clock(json::object{{"advance_ms", step_ms}}));
    std::this_thread::sleep_for(milliseconds(5));
  }
  return so();
}

std::vector<std::string> kinds(node& n, const run_id& run) {
  waiting<event_page> events;
  n.it->events(run, 0, 500, events.answer());
  const auto page = events.get();
  std::vector<std::string> out;
  for (const auto& text : page->items)
    out.emplace_back(json::text_or(*json::parse(text), "kind", ""));
  return out;
}

std::size_t count(const std::vector<std::string>& all, std::string_view kind) {
  return static_cast<std::size_t>(std::count(all.begin(), all.end(), kind));
}

std::uint64_t stuck(node& n) {
  return n.it->status().at("stuck").to_number<std::uint64_t>();
}

std::string alerts(node& n) {
  return json::write(n.it->status().at("alerts"));
}

} // namespace

TEST(Stuck, AStepWhoseOutcomeWasLostIsMadeAgain) {
  node n(watchful(), never());
  const auto begun = n.run(n.save(http_step()), "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  lose(n, begun->id, "outcome");
  n.http.answer(0, http_answer(200));
  ASSERT_TRUE(after_a_while(n, [&] { return n.http.requests().size() == 2; }));
  n.http.answer(1, http_answer(200));
  EXPECT_TRUE(n.becomes(begun->id, "success"));
  EXPECT_EQ(stuck(n), 1u);
  EXPECT_NE(alerts(n).find(to_text(begun->id)), std::string::npos) << alerts(n);
  EXPECT_NE(alerts(n).find("was lost"), std::string::npos) << alerts(n);
  EXPECT_NE(n.it->metrics().find("troupe_stuck_total 1"), std::string::npos);
  EXPECT_EQ(count(kinds(n, begun->id), "attempt_interrupted"), 1u);
  EXPECT_EQ(count(kinds(n, begun->id), "node_completed"), 1u);
}

TEST(Stuck, ADropLosesWhatItNames) {
  node n(watchful(), never());
  const auto begun = n.run(n.save(http_step()), "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  json::object drop{{"kind", "drop"}, {"actor", "run:" + to_text(begun->id)}, {"what", "wallet"}};
  EXPECT_EQ(n.it->fault(drop).error().code, "fault_unknown");
  drop["what"] = "outcome";
  ASSERT_TRUE(n.it->fault(drop));
  n.http.answer(0, http_answer(200));
  ASSERT_TRUE(after_a_while(n, [&] { return n.http.requests().size() == 2; }));
  n.http.answer(1, http_answer(200));
  EXPECT_TRUE(n.becomes(begun->id, "success"));
  drop["actor"] = "control";
  EXPECT_EQ(n.it->fault(drop).error().code, "fault_unknown");
}

TEST(Stuck, ASlowStepThatIsThereIsLeftAlone) {
  // Long enough that the step has a while of real time to say that it is there.
  node n(watchful(milliseconds(60'000)), never());
  const auto begun = n.run(n.save(http_step()), "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  EXPECT_FALSE(after_a_while(n, [&] { return n.http.requests().size() > 1; }));
  EXPECT_EQ(stuck(n), 0u);
  n.http.answer(0, http_answer(200));
  EXPECT_TRUE(n.becomes(begun->id, "success"));
}

TEST(Stuck, ATimerThatWasLostFiresLate) {
  node n(watchful());
  const auto begun =
      n.run(n.save(R"({"name":"sleep","edges":[],"nodes":[{"id":"w","name":"w","type":"FLOW",
          "subtype":"WAIT","parameters":{"wait_type":"fixed_delay","duration_seconds":30}}]})"),
            "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.becomes(begun->id, "waiting"));
  lose(n, begun->id, "timer");
  ASSERT_TRUE(n.it->move_clock(json::object{{"advance_ms", 30'500}}));
  EXPECT_TRUE(after_a_while(n, [&] { return n.status(begun->id) == "success"; }));
  EXPECT_NE(alerts(n).find("timer_overdue"), std::string::npos) << alerts(n);
  EXPECT_EQ(stuck(n), 1u);
}

TEST(Stuck, AnUndeliveredMessageIsToldAndDeliveredInTheEnd) {
  node n(watchful(milliseconds(4'000)), never());
  const auto child = n.save(echo_chain(1));
  const auto begun = n.run(
      n.save(
          R"({"name":"p","nodes":[{"id":"a","name":"a","type":"ACTION","subtype":"HTTP_REQUEST",
          "parameters":{"url":"http://t/x"}},{"id":"c","name":"c","type":"SUBWORKFLOW",
          "subtype":"SUBWORKFLOW","parameters":{"workflow_id":")" +
          child + R"("}}],"edges":[{"source":"a","source_port":"main","target":"c",
          "target_port":"main","type":"main","index":0}]})"),
      "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  lose(n, begun->id, "message", 3);
  n.http.answer(0, http_answer(200));
  EXPECT_TRUE(after_a_while(
      n, [&] { return n.status(begun->id) == "success"; }, 1'000));
  EXPECT_NE(alerts(n).find("message_undelivered"), std::string::npos) << alerts(n);
}

TEST(Stuck, NothingIsReportedWhereEverythingMoves) {
  node n(watchful(milliseconds(100)));
  const auto chain = n.save(echo_chain(5));
  for (int i = 0; i < 20; ++i) {
    ASSERT_TRUE(n.run(chain));
    ASSERT_TRUE(n.it->move_clock(json::object{{"advance_ms", 200}}));
  }
  EXPECT_EQ(stuck(n), 0u);
}

TEST(Quarantine, IsAnEventThatARestartKnowsAndPeopleCanRetry) {
  node n({}, never());
  const auto begun = n.run(n.save(http_step()), "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  ASSERT_TRUE(n.it->fault(
      json::object{{"kind", "crash"}, {"actor", "run:" + to_text(begun->id)}, {"times", 3}}));
  EXPECT_FALSE(n.command(begun->id, commands::pause{"me"}));
  ASSERT_TRUE(after_a_while(
      n, [&] { return n.lists.status_of(begun->id) == "failed"; }, 1'000));
  const auto shown = n.read(begun->id);
  EXPECT_EQ(json::text_or(shown, "status", ""), "failed");
  EXPECT_EQ(json::text_or(shown.at("error"), "code", ""), "quarantined");
  EXPECT_EQ(kinds(n, begun->id).back(), "execution_finished");
  EXPECT_EQ(n.it->status().at("quarantined").to_number<std::uint64_t>(), 1u);
  const auto cancelled = n.command(begun->id, commands::cancel{"", ""});
  ASSERT_FALSE(cancelled);
  EXPECT_EQ(cancelled.error().kind, failure_kind::conflict);
  n.reopen();
  EXPECT_EQ(n.status(begun->id), "failed");
  ASSERT_TRUE(n.command(begun->id, commands::retry{"failed", {}, "me"}));
  ASSERT_TRUE(n.http.wait_for_calls(2));
  n.http.answer(1, http_answer(200));
  EXPECT_TRUE(n.becomes(begun->id, "success"));
  waiting<json::value> replayed;
  n.it->replay(begun->id, true, replayed.answer());
  const auto same = replayed.get();
  ASSERT_TRUE(same);
  EXPECT_TRUE(same->at("equal").as_bool());
  EXPECT_TRUE(same->at("decisions_equal").as_bool()) << json::write(*same);
}

TEST(Quarantine, WaitsForTheDiskAndTellsTheParent) {
  node n({}, never());
  const auto child = n.save(http_step());
  const auto begun =
      n.run(n.save(R"({"name":"p","edges":[],"nodes":[{"id":"c","name":"c","type":"SUBWORKFLOW",
          "subtype":"SUBWORKFLOW","parameters":{"workflow_id":")" +
                   child + R"("}}]})"),
            "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  ASSERT_TRUE(n.http.wait_for_calls(1));
  const auto key = n.http.requests()[0].headers;
  std::optional<run_id> inner;
  for (const auto& [name, v] : key)
    if (name == "Idempotency-Key")
      inner = run_id_from_text(v.substr(0, v.find('/')));
  ASSERT_TRUE(inner);
  ASSERT_TRUE(n.it->fault(
      json::object{{"kind", "crash"}, {"actor", "run:" + to_text(*inner)}, {"times", 4}}));
  n.store.fail_next(1); // the quarantine itself; the run crashes once more and is given up then
  EXPECT_FALSE(n.command(*inner, commands::pause{"me"}));
  ASSERT_TRUE(after_a_while(
      n, [&] { return n.lists.status_of(*inner) == "failed"; }, 1'000));
  EXPECT_TRUE(after_a_while(n, [&] { return n.lists.status_of(begun->id) == "failed"; }));
  EXPECT_EQ(n.it->status().at("crashes").to_number<std::uint64_t>(), 4u);
}

} // namespace troupe

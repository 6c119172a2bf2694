#include "tests/engine/harness.hpp"
#include "tests/engine/random_definition.hpp"
#include "tests/engine/random_fields.hpp"

#include "runtime/engine/codec.hpp"
#include "runtime/engine/replay.hpp"
#include "runtime/engine/snapshot.hpp"

namespace troupe {
namespace {

using namespace test;

/// A run that keeps its turns apart, as their rows do.
struct recorded_run {
  recorded_run(plan_ptr p, core_run::executor answer) : run(std::move(p), std::move(answer)) {
    run.after_turn = [this] {
      if (taken < run.history.size())
        turns.emplace_back(run.history.begin() + static_cast<std::ptrdiff_t>(taken),
                           run.history.end());
      taken = run.history.size();
    };
  }
  context_factory context() {
    return [this](instant now) {
      return decide_context{now, run.blobs, {}, 16, 16, 3, 256, std::chrono::hours{1}};
    };
  }
  result<comparison> again() { return redecide(run.the_plan(), run.state.id, turns, context()); }
  void expect_equal() {
    const auto compared = again();
    ASSERT_TRUE(compared) << compared.error().message;
    EXPECT_TRUE(compared->equal())
        << "seq " << compared->first->seq << "\nrecorded " << compared->first->recorded
        << "\ndecided  " << compared->first->decided;
    EXPECT_EQ(compared->events, compared->equal() ? run.history.size() : compared->events);
  }

  core_run run;
  std::vector<std::vector<event>> turns;
  std::size_t taken = 0;
};

constexpr auto retried = R"({"name":"w","steps":[
  {"step_id":"a","skill_type":"work","parameters":{"x":"{{ input.n }}"},"retry_on_fail":2,
   "retry_delay_seconds":1},
  {"step_id":"b","skill_type":"work","parameters":{},"depends_on":["a"]}]})";

core_run::executor flaky(std::optional<milliseconds> retry_after) {
  return [retry_after](const effects::run_attempt& a) -> std::optional<attempt_outcome> {
    if (a.at.node != "a" || a.attempt > 2)
      return succeed(json::object{{"attempt", a.attempt}});
    auto out = fail_with("http_503", true);
    out.retry_after = retry_after;
    return out;
  };
}

TEST(Replay, FoldGivesTheLiveState) {
  recorded_run r{plan_of(retried), flaky({})};
  r.run.start(json::object{{"n", 3}});
  r.run.run();
  ASSERT_EQ(r.run.status(), "success") << r.run.trace();
  const auto folded = fold(r.run.the_plan(), r.run.state.id, r.run.history);
  ASSERT_TRUE(folded) << folded.error().message;
  EXPECT_EQ(state_hash(*folded), state_hash(r.run.state));
  auto decoded = decode_events(encode_events(r.run.history));
  ASSERT_TRUE(decoded);
  EXPECT_EQ(state_hash(*fold(r.run.the_plan(), r.run.state.id, *decoded)), state_hash(r.run.state));
}

TEST(Replay, FoldRefusesWhatCannotFollow) {
  recorded_run r{plan_of(retried), flaky({})};
  r.run.start(json::object{{"n", 3}});
  r.run.run();
  const auto fault = [&](auto change) {
    auto all = r.run.history;
    change(all);
    const auto folded = fold(r.run.the_plan(), r.run.state.id, all);
    EXPECT_FALSE(folded);
    return folded ? std::string{} : folded.error().code + ": " + folded.error().message;
  };
  EXPECT_NE(fault([](auto& all) { all.erase(all.begin() + 1); }).find("event 2 is missing"),
            std::string::npos);
  EXPECT_NE(fault([](auto& all) { all.erase(all.begin()); }).find("is missing"), std::string::npos);
  EXPECT_NE(fault([](auto& all) {
              all[1].what = events::timer_fired{77, {}};
            }).find("timer 77"),
            std::string::npos);
  EXPECT_NE(fault([](auto& all) {
              all[1].what = events::attempt_interrupted{{"nobody", {}}, 1};
            }).find("nobody"),
            std::string::npos);
  EXPECT_NE(fault([](auto& all) { all[0].what = events::turn_yielded{}; }).find("begins with"),
            std::string::npos);
}

TEST(Replay, RedecideFindsNoDifferenceInItsOwnHistory) {
  for (const auto after : {std::optional<milliseconds>{}, std::optional{milliseconds{9'000}}}) {
    recorded_run r{plan_of(retried), flaky(after)};
    r.run.start(json::object{{"n", 3}});
    r.run.run();
    ASSERT_EQ(r.run.status(), "success");
    r.expect_equal();
  }
}

TEST(Replay, RedecidePausesRetriesCancelsAndCrashes) {
  recorded_run r{plan_of(retried), [](const auto& a) -> std::optional<attempt_outcome> {
                   return a.at.node == "a" ? fail_with("bad", false) : succeed(1);
                 }};
  r.run.start(json::object{{"n", 3}});
  r.run.give({commands::pause{"me"}});
  r.run.give({commands::resume{"me"}});
  r.run.crash();
  r.run.run();
  ASSERT_EQ(r.run.status(), "failed") << r.run.trace();
  r.run.give({commands::retry{"failed", share(json::object{{"a", json::object{{"x", 2}}}}), "me",
                              value_ref{share(json::object{{"n", 4}})}}});
  r.run.give({commands::signal{"s", value_ref{share(1)}, "m"}});
  r.run.give({commands::cancel{"enough", "me"}});
  ASSERT_EQ(r.run.status(), "cancelled") << r.run.trace();
  r.expect_equal();
}

TEST(Replay, RedecideAgreesOnQuarantines) {
  recorded_run by_engine{plan_of(retried), flaky({})};
  by_engine.run.start();
  by_engine.run.give({commands::quarantine{"its actor failed"}});
  by_engine.run.give({commands::retry{"failed", {}, "somebody"}});
  by_engine.run.run();
  EXPECT_EQ(by_engine.run.count("execution_finished"), 2u);
  by_engine.expect_equal();
  recorded_run by_interruptions{
      plan_of(R"({"name":"p","steps":[{"step_id":"a","skill_type":"http_request",
        "parameters":{"url":"http://x"}}]})"),
      [](const auto&) -> std::optional<attempt_outcome> { return std::nullopt; }};
  by_interruptions.run.start();
  for (int i = 0; i < 3; ++i)
    by_interruptions.run.crash();
  EXPECT_EQ(by_interruptions.run.state.error->code, "quarantined");
  by_interruptions.expect_equal();
}

// A value that came as a blob counted nothing against its turn, the live one counted all of it.
TEST(Replay, RedecideFillsATurnAsLargeValuesDid) {
  recorded_run r{plan_of(R"({"name":"w","steps":[
    {"step_id":"a","skill_type":"work","parameters":{"x":"{{ input.text }}"}},
    {"step_id":"b","skill_type":"work","parameters":{"x":"{{ input.text }}"}},
    {"step_id":"c","skill_type":"work","parameters":{"x":"{{ input.text }}"}},
    {"step_id":"d","skill_type":"work","parameters":{"x":"{{ input.text }}"},
     "depends_on":["a"]}]})"),
                 [](const auto&) -> std::optional<attempt_outcome> {
                   return succeed(json::value(json::string(std::string(200'000, 'x'))));
                 }};
  r.run.start(json::object{{"text", json::string(std::string(200'000, 'y'))}});
  r.run.run();
  ASSERT_EQ(r.run.status(), "success") << r.run.trace();
  r.expect_equal();
}

TEST(Replay, RedecideReviewsAndTimeouts) {
  for (const bool answered : {true, false}) {
    recorded_run r{plan_of(R"({"name":"w","nodes":[
      {"id":"t","name":"t","type":"TRIGGER","subtype":"MANUAL"},
      {"id":"h","name":"h","type":"HUMAN_IN_THE_LOOP","subtype":"APP","parameters":{
        "notification_type":"approval","title":"t","message":"m","timeout_minutes":5}}],
      "edges":[{"source":"t","target":"h"}]})"),
                   echo()};
    r.run.start();
    if (answered)
      r.run.give({commands::decide_review{r.run.at("h").name, false, {}, "no", "me"}});
    else
      r.run.next_timer();
    ASSERT_TRUE(terminal(r.run.state.status)) << r.run.trace();
    EXPECT_EQ(r.run.count("timer_fired"), answered ? 0u : 1u);
    r.expect_equal();
  }
}

TEST(Replay, RedecideAgreesOnRandomRuns) {
  std::size_t compared = 0;
  for (std::uint64_t seed = 1; seed <= 150 && !::testing::Test::HasFailure(); ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const auto definition = json::write(random_definition{seed}.make());
    const auto p = plan_of(definition);
    if (!p)
      continue;
    prng random{seed * 31};
    recorded_run r{p, [&](const effects::run_attempt& a) -> std::optional<attempt_outcome> {
                     const auto kind = hash64(a.at.node + to_text(a.at.iteration), seed) % 8;
                     return kind == 0   ? fail_with("permanent", false)
                            : kind == 1 ? fail_with("flaky", true)
                            : kind == 2 ? succeed(true)
                                        : succeed(json::array{1, 2});
                   }};
    r.run.start(json::object{{"n", 1}});
    for (int i = 0; i < 2'000 && !terminal(r.run.state.status); ++i) {
      if (random.below(6) == 0)
        r.run.crash();
      if (!r.run.step() && !r.run.next_timer())
        break;
    }
    r.expect_equal();
    ++compared;
  }
  EXPECT_GT(compared, 100u);
}

TEST(Replay, RedecideReportsTheFirstDifference) {
  recorded_run r{plan_of(retried), flaky({})};
  r.run.start(json::object{{"n", 3}});
  r.run.run();
  for (auto& turn : r.turns)
    for (auto& e : turn)
      if (auto* scheduled = std::get_if<events::node_scheduled>(&e.what);
          scheduled && scheduled->at.node == "b") {
        scheduled->parameters = value_ref{share(json::object{{"forged", true}})};
        const auto compared = r.again();
        ASSERT_TRUE(compared);
        ASSERT_TRUE(compared->first);
        EXPECT_EQ(compared->first->seq, e.seq);
        EXPECT_NE(compared->first->recorded.find("forged"), std::string::npos);
        EXPECT_EQ(compared->first->decided.find("forged"), std::string::npos);
        EXPECT_GT(compared->events, 0u);
        return;
      }
  FAIL() << "b was never scheduled";
}

} // namespace
} // namespace troupe

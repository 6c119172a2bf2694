#include "tests/engine/harness.hpp"

namespace troupe {
namespace {

using namespace test;

TEST(Decide, RunsAChainOneStepAfterTheOther) {
  core_run run(plan_of(R"({"name":"c","steps":[
    {"step_id":"a","skill_type":"echo","parameters":{"n":1}},
    {"step_id":"b","skill_type":"echo","parameters":{"n":"{{steps.a.output.n + 1}}"},
      "depends_on":["a"]}]})"),
               echo());
  run.start();
  EXPECT_EQ(run.trace(), "execution_started node_scheduled");
  run.run();
  EXPECT_EQ(run.trace(), "execution_started node_scheduled node_completed node_scheduled "
                         "node_completed execution_finished");
  EXPECT_EQ(run.status(), "success");
  EXPECT_EQ(run.output("b"), parsed(R"({"n":2})"));
}

TEST(Decide, StartsIndependentStepsTogetherUpToTheLimit) {
  const auto definition = [](int limit) {
    return R"({"name":"p","settings":{"max_parallel_steps":)" + std::to_string(limit) +
           R"(},"steps":[
    {"step_id":"a","skill_type":"echo"},{"step_id":"b","skill_type":"echo"},
    {"step_id":"c","skill_type":"echo"}]})";
  };
  core_run all(plan_of(definition(3)), echo());
  all.start();
  EXPECT_EQ(all.in_flight(), 3u);
  core_run two(plan_of(definition(2)), echo());
  two.start();
  EXPECT_EQ(two.in_flight(), 2u);
  two.run();
  EXPECT_EQ(two.status(), "success");
}

TEST(Decide, SkipsAStepWhoseConditionIsFalseAndRunsItsDependants) {
  core_run run(plan_of(R"({"name":"s","steps":[
    {"step_id":"a","skill_type":"echo","parameters":{"n":3}},
    {"step_id":"b","skill_type":"echo","depends_on":["a"],"condition":"steps.a.output.n > 5"},
    {"step_id":"c","skill_type":"echo","depends_on":["b"]}]})"),
               echo());
  run.start();
  run.run();
  EXPECT_EQ(run.at("b").status, step_status::skipped);
  EXPECT_EQ(run.output("b"), parsed(R"({"skipped":true,"reason":"Condition not met"})"));
  EXPECT_EQ(run.at("c").status, step_status::success);
  EXPECT_EQ(run.status(), "success");
}

TEST(Decide, FollowsOnlyTheTakenBranch) {
  const char* graph = R"({"name":"g","nodes":[
    {"id":"t","type":"TRIGGER","subtype":"MANUAL"},
    {"id":"if1","type":"FLOW","subtype":"IF","parameters":{"condition":"$json.n > 1"}},
    {"id":"yes","type":"SKILL","subtype":"SKILL","parameters":{"skill_type":"echo",
      "parameters":{"v":"y"}}},
    {"id":"no","type":"SKILL","subtype":"SKILL","parameters":{"skill_type":"echo",
      "parameters":{"v":"n"}}},
    {"id":"after","type":"OUTPUT","subtype":"OUTPUT","parameters":{"name":"r",
      "value":"{{$json}}"}}],
    "edges":[{"source":"t","target":"if1"},
    {"source":"if1","source_port":"true","target":"yes"},
    {"source":"if1","source_port":"false","target":"no"},
    {"source":"yes","target":"after"},{"source":"no","target":"after"}]})";
  core_run run(plan_of(graph), echo());
  run.start(parsed(R"({"n":2})"));
  run.run();
  EXPECT_EQ(run.at("yes").status, step_status::success);
  EXPECT_EQ(run.at("no").status, step_status::skipped);
  EXPECT_EQ(run.at("after").status, step_status::success);
  EXPECT_EQ(run.status(), "success");
}

TEST(Decide, RetriesARetryableFailureAndStopsAtTheMaximum) {
  int calls = 0;
  core_run run(plan_of(R"({"name":"r","steps":[
    {"step_id":"a","skill_type":"echo","retry_on_fail":2,"retry_delay_seconds":5}]})"),
               [&](const auto&) { return ++calls, fail_with("http_status", true); });
  run.start();
  const auto began = run.now;
  run.run();
  EXPECT_EQ(calls, 3);
  EXPECT_EQ((run.now - began).count(), 10'000);
  EXPECT_EQ(run.status(), "failed");
  EXPECT_EQ(run.state.error->code, "http_status");
}

TEST(Decide, FailsAtOnceWhenTheFailureIsPermanent) {
  core_run run(plan_of(R"({"name":"r","steps":[
    {"step_id":"a","skill_type":"echo","retry_on_fail":5}]})"),
               [&](const auto&) { return fail_with("http_status", false); });
  run.start();
  run.run();
  EXPECT_EQ(run.count("node_scheduled"), 1u);
}

TEST(Decide, BlocksDependantsOfAFailedStep) {
  core_run run(plan_of(R"({"name":"b","steps":[
    {"step_id":"a","skill_type":"echo"},{"step_id":"b","skill_type":"echo","depends_on":["a"]},
    {"step_id":"c","skill_type":"echo"}]})"),
               [](const effects::run_attempt& e) -> std::optional<attempt_outcome> {
                 return e.at.node == "a" ? fail_with("boom", false) : succeed(1);
               });
  run.start();
  run.run();
  EXPECT_EQ(run.at("b").status, step_status::failed);
  EXPECT_EQ(run.at("b").attempt, 0u);
  EXPECT_EQ(run.at("b").error->code, "dependency_failed");
  EXPECT_EQ(run.status(), "partial");
}

TEST(Decide, ContinuesWithNullWhenTheStepSaysSo) {
  core_run run(plan_of(R"({"name":"b","steps":[
    {"step_id":"a","skill_type":"echo","continue_on_fail":true},
    {"step_id":"b","skill_type":"echo","depends_on":["a"],
      "parameters":{"v":"{{steps.a.output}}"}}]})"),
               [](const effects::run_attempt& e) -> std::optional<attempt_outcome> {
                 return e.at.node == "a" ? fail_with("boom", false)
                                         : succeed(*e.parameters.inline_value());
               });
  run.start();
  run.run();
  EXPECT_EQ(run.output("b"), parsed(R"({"v":null})"));
  EXPECT_EQ(run.status(), "partial");
}

TEST(Decide, RunsALoopInOrderAndInParallel) {
  for (const char* parallel : {"false", "true"}) {
    core_run run(plan_of(std::string{R"({"name":"l","nodes":[
      {"id":"loop","type":"FLOW","subtype":"LOOP","parameters":{"loop_type":"foreach",
      "items":[1,2,3,4,5],"parallel_execution":)"} +
                         parallel + R"(}},
      {"id":"body","type":"SKILL","subtype":"SKILL","parameters":{"skill_type":"echo",
      "parameters":{"v":"{{$json * 10}}"}}},
      {"id":"o","type":"OUTPUT","subtype":"OUTPUT","parameters":{"name":"all",
      "value":"{{$json}}"}}],
      "edges":[{"source":"loop","source_port":"iteration","target":"body"},
      {"source":"body","target":"loop","target_port":"loop_body"},
      {"source":"loop","source_port":"complete","target":"o"}]})"),
                 echo());
    run.start();
    EXPECT_EQ(run.in_flight(), std::string_view{parallel} == "true" ? 5u : 1u);
    run.run();
    EXPECT_EQ(run.status(), "success");
    EXPECT_EQ(run.output("loop"), parsed(R"([{"v":10},{"v":20},{"v":30},{"v":40},{"v":50}])"));
    EXPECT_EQ(run.state.scopes.size(), 1u);
  }
}

TEST(Decide, FailsAWhileLoopAtItsMaximum) {
  core_run run(plan_of(R"({"name":"w","nodes":[
      {"id":"loop","type":"FLOW","subtype":"LOOP","parameters":{"loop_type":"while",
      "condition":"true","max_iterations":7}},
      {"id":"body","type":"SKILL","subtype":"SKILL","parameters":{"skill_type":"echo"}}],
      "edges":[{"source":"loop","source_port":"iteration","target":"body"},
      {"source":"body","target":"loop","target_port":"loop_body"}]})"),
               echo());
  run.start();
  run.run();
  EXPECT_EQ(run.status(), "partial");
  EXPECT_EQ(run.at("loop").error->code, "max_iterations");
  EXPECT_EQ(run.count("iteration_finished"), 7u);
}

TEST(Decide, WaitsForTimeSignalAndPerson) {
  core_run run(plan_of(R"({"name":"w","nodes":[
      {"id":"w","type":"FLOW","subtype":"WAIT","parameters":{"wait_type":"fixed_delay",
      "duration_seconds":30}},
      {"id":"s","type":"FLOW","subtype":"WAIT","parameters":{"wait_type":"for_signal",
      "signal_name":"go"}},
      {"id":"h","type":"HUMAN_IN_THE_LOOP","subtype":"APP",
      "parameters":{"notification_type":"approval","title":"ok?","message":"m"}},
      {"id":"y","type":"SKILL","subtype":"SKILL","parameters":{"skill_type":"echo"}}],
      "edges":[{"source":"w","target":"s"},{"source":"s","target":"h"},
      {"source":"h","source_port":"approved","target":"y"}]})"),
               echo());
  run.start();
  EXPECT_EQ(run.status(), "waiting");
  EXPECT_TRUE(run.next_timer());
  EXPECT_TRUE(run.give({commands::signal{"go", value_ref{share(5)}, {}}}));
  EXPECT_EQ(run.output("s"), json::value(5));
  const auto review = run.at("h").name;
  EXPECT_TRUE(run.give({commands::decide_review{review, true, {}, "fine", "me"}}));
  run.settle();
  EXPECT_EQ(run.status(), "success");
  EXPECT_FALSE(run.give({commands::decide_review{review, true, {}, {}, {}}}));
}

TEST(Decide, CancelsOnceAndIgnoresALateResult) {
  core_run run(plan_of(R"({"name":"c","steps":[{"step_id":"a","skill_type":"echo"}]})"),
               [](const auto&) -> std::optional<attempt_outcome> { return std::nullopt; });
  run.start();
  EXPECT_TRUE(run.give({commands::cancel{"no more", "me"}}));
  EXPECT_EQ(run.status(), "cancelled");
  EXPECT_FALSE(run.give({commands::cancel{}}));
  EXPECT_FALSE(run.give({commands::finish_attempt{{"a", {}}, 1, succeed(1)}}));
  EXPECT_EQ(run.status(), "cancelled");
}

TEST(Decide, PausesBetweenStepsAndResumes) {
  core_run run(plan_of(R"({"name":"c","steps":[{"step_id":"a","skill_type":"echo"},
    {"step_id":"b","skill_type":"echo","depends_on":["a"]}]})"),
               echo());
  run.start();
  EXPECT_TRUE(run.give({commands::pause{}}));
  run.run();
  EXPECT_EQ(run.status(), "paused");
  EXPECT_EQ(run.at("b").status, step_status::pending);
  run.crash();
  EXPECT_TRUE(run.give({commands::resume{}}));
  run.run();
  EXPECT_EQ(run.status(), "success");
}

TEST(Decide, RetriesAFailedRunFromWhatFailed) {
  bool broken = true;
  core_run run(plan_of(R"({"name":"c","steps":[{"step_id":"a","skill_type":"echo"},
    {"step_id":"b","skill_type":"echo","depends_on":["a"]},
    {"step_id":"c","skill_type":"echo","depends_on":["b"]}]})"),
               [&](const effects::run_attempt& e) -> std::optional<attempt_outcome> {
                 return e.at.node == "b" && broken ? fail_with("boom", false) : succeed(1);
               });
  run.start();
  run.run();
  EXPECT_EQ(run.status(), "partial");
  broken = false;
  EXPECT_TRUE(run.give({commands::retry{"failed", nullptr, "me"}}));
  run.run();
  EXPECT_EQ(run.status(), "success");
  EXPECT_EQ(run.executed["a/"], 1);
  EXPECT_EQ(run.executed["b/"], 2);
  EXPECT_EQ(run.state.attempt, 2u);
}

TEST(Decide, RetriesWithAnotherInput) {
  std::vector<std::string> seen;
  core_run run(plan_of(R"({"name":"c","steps":[
    {"step_id":"a","skill_type":"echo","parameters":{"x":"{{ input.n }}"}},
    {"step_id":"b","skill_type":"echo","depends_on":["a"],"parameters":{"x":"{{ input.n }}"}}]})"),
               [&](const effects::run_attempt& e) -> std::optional<attempt_outcome> {
                 seen.push_back(e.at.node + json::write(*e.parameters.inline_value()) +
                                e.idempotency_key.substr(e.idempotency_key.find('/')));
                 return e.at.node == "b" && seen.size() == 2 ? fail_with("boom", false)
                                                             : succeed(1);
               });
  run.start(json::object{{"n", 1}});
  run.run();
  commands::retry again{"b", nullptr, "me", value_ref{share(json::object{{"n", 2}})}};
  EXPECT_TRUE(run.give({again}));
  run.run();
  EXPECT_EQ(run.status(), "success");
  EXPECT_EQ(seen, (std::vector<std::string>{R"(a{"x":1}/a)", R"(b{"x":1}/b)", R"(b{"x":2}/b/r2)"}));
}

TEST(Decide, RendersParametersThatReplaceOthers) {
  json::value seen;
  core_run run(plan_of(R"({"name":"c","steps":[{"step_id":"a","skill_type":"echo","parameters":{
    "kept":"{{ input.n }}","broken":"{{ input.n / 0 }}","plain":"x"}}]})"),
               [&](const effects::run_attempt& e) -> std::optional<attempt_outcome> {
                 seen = *e.parameters.inline_value();
                 return succeed(1);
               });
  events::execution_started what;
  what.overrides =
      share(json::parse(R"({"a":{"broken":"{{ input.n + 1 }}","plain":"y"}})").value());
  run.start(json::object{{"n", 1}}, what);
  run.run();
  EXPECT_EQ(json::write(seen), R"({"kept":1,"broken":2,"plain":"y"})");
}

TEST(Decide, NeverRepeatsAnInterruptedStepThatMustNot) {
  core_run run(plan_of(R"({"name":"p","steps":[{"step_id":"pay","skill_type":"http_request",
    "parameters":{"url":"http://x"},"when_interrupted":"fail"}]})"),
               [](const auto&) -> std::optional<attempt_outcome> { return std::nullopt; });
  run.start();
  run.crash();
  EXPECT_EQ(run.status(), "failed");
  EXPECT_EQ(run.at("pay").error->code, "outcome_unknown");
  EXPECT_EQ(run.count("node_scheduled"), 1u);
}

TEST(Decide, QuarantinesAfterThreeInterruptions) {
  core_run run(plan_of(R"({"name":"p","steps":[{"step_id":"a","skill_type":"http_request",
    "parameters":{"url":"http://x"}}]})"),
               [](const auto&) -> std::optional<attempt_outcome> { return std::nullopt; });
  run.start();
  run.crash();
  run.crash();
  EXPECT_EQ(run.status(), "running");
  run.crash();
  EXPECT_EQ(run.status(), "failed");
  EXPECT_EQ(run.state.error->code, "quarantined");
}

TEST(Decide, EndsARunThatIsGivenUpAndLetsPeopleRetryIt) {
  core_run run(plan_of(R"({"name":"p","steps":[{"step_id":"a","skill_type":"work",
    "parameters":{}},{"step_id":"b","skill_type":"work","depends_on":["a"]}]})"),
               echo());
  run.start();
  ASSERT_TRUE(run.give({commands::quarantine{"its actor failed"}}));
  EXPECT_EQ(run.status(), "failed");
  EXPECT_EQ(run.state.error->code, "quarantined");
  EXPECT_EQ(run.state.error->message, "its actor failed");
  EXPECT_EQ(run.state.error_node, "");
  EXPECT_TRUE(run.state.timers.empty());
  run.give({commands::quarantine{"once more"}});
  EXPECT_EQ(run.count("execution_finished"), 1u);
  ASSERT_TRUE(run.give({commands::retry{"failed", {}, "somebody"}}));
  run.run();
  EXPECT_EQ(run.status(), "success");
}

TEST(Decide, TimesTheRunOut) {
  core_run run(plan_of(
                   R"({"name":"p","settings":{"timeout_seconds":60},"steps":[{"step_id":"a",
      "skill_type":"http_request",
    "parameters":{"url":"http://x"}}]})"),
               [](const auto&) -> std::optional<attempt_outcome> { return std::nullopt; });
  run.start();
  ASSERT_EQ(run.state.timers.size(), 1u);
  run.now += std::chrono::seconds{60};
  EXPECT_TRUE(run.give({commands::fire_timer{run.state.timers.begin()->first}}));
  EXPECT_EQ(run.status(), "timed_out");
}

TEST(Decide, HandsAFailureToTheErrorEdge) {
  core_run run(plan_of(R"({"name":"e","nodes":[
    {"id":"a","type":"SKILL","subtype":"SKILL","on_error":"error_output",
      "parameters":{"skill_type":"echo"}},
    {"id":"handler","type":"SKILL","subtype":"SKILL","parameters":{"skill_type":"echo",
      "parameters":{"code":"{{$json.code}}"}}}],
    "edges":[{"source":"a","source_port":"error","target":"handler"}]})"),
               [](const effects::run_attempt& e) -> std::optional<attempt_outcome> {
                 return e.at.node == "a" ? fail_with("boom", false)
                                         : succeed(*e.parameters.inline_value());
               });
  run.start();
  run.run();
  EXPECT_EQ(run.status(), "success");
  EXPECT_EQ(run.output("handler"), parsed(R"({"code":"boom"})"));
}

TEST(Decide, FiresDownstreamOnceForEachStreamedValue) {
  core_run run(plan_of(R"({"name":"s","nodes":[
    {"id":"a","type":"SKILL","subtype":"SKILL","streaming":true,
      "parameters":{"skill_type":"echo","parameters":{}}},
    {"id":"b","type":"SKILL","subtype":"SKILL","parameters":{"skill_type":"echo",
      "parameters":{"v":"{{$json}}"}}}],
    "edges":[{"source":"a","target":"b"}]})"),
               [](const effects::run_attempt& e) -> std::optional<attempt_outcome> {
                 return e.at.node == "a" ? succeed(json::array{1, 2, 3}) : succeed(1);
               });
  run.start();
  run.run();
  EXPECT_EQ(run.status(), "success");
  EXPECT_EQ(run.executed.size(), 4u);
}

} // namespace
} // namespace troupe

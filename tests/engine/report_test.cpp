#include "tests/engine/harness.hpp"
#include "tests/engine/random_fields.hpp"

#include "runtime/engine/report.hpp"

namespace troupe {
namespace {

using namespace test;

constexpr auto four = R"({"name":"w","steps":[
  {"step_id":"ok","skill_type":"work","parameters":{"x":1}},
  {"step_id":"bad","skill_type":"work","parameters":{},"continue_on_fail":true},
  {"step_id":"off","skill_type":"work","parameters":{},"condition":"false"},
  {"step_id":"ok2","skill_type":"work","parameters":{"token":"marker-4711"}}]})";

attempt_outcome answer_of(const effects::run_attempt& a) {
  if (a.at.node == "bad")
    return fail_with("http_404", false);
  auto out = succeed(json::object{{"n", 1}});
  out.created_source_ids = {"s1", "s2"};
  out.created_note_ids = {"n1"};
  out.usage = share(json::object{{"prompt_tokens", 10}, {"cost", 0.5}, {"model", "m"}});
  out.logs = share(json::array{"plain", json::object{{"level", "warning"}, {"message", "hm"}}});
  return out;
}

core_run finished_run() {
  core_run run{plan_of(four), [](const auto& a) { return std::optional{answer_of(a)}; }};
  run.start(json::object{{"in", 1}});
  run.run();
  return run;
}

run_history history_of(const core_run& run) {
  run_history history;
  for (const auto& e : run.history)
    history.add(e);
  return history;
}

const json::value* step_of(const json::value& execution, std::string_view id,
                           std::string_view iteration = {}) {
  for (const auto& step : execution.at("steps").as_array())
    if (json::text_or(step, "step_id", {}) == id &&
        json::text_or(step, "iteration", {}) == iteration)
      return &step;
  return nullptr;
}

TEST(Report, AnExecutionHasEveryField) {
  auto run = finished_run();
  const auto history = history_of(run);
  const auto v = parsed(execution_json(run.the_plan(), run.state, run.blobs, &history));
  for (const auto* key : {"id",
                          "workflow_id",
                          "workflow_version",
                          "status",
                          "trigger_type",
                          "triggered_by",
                          "input",
                          "output",
                          "error",
                          "started_at",
                          "completed_at",
                          "duration_seconds",
                          "success_rate",
                          "attempt",
                          "parent_execution_id",
                          "trace_id",
                          "usage",
                          "created_source_ids",
                          "created_note_ids",
                          "steps"})
    EXPECT_TRUE(v.as_object().contains(key)) << key;
  EXPECT_EQ(v.at("status").as_string(), "partial");
  EXPECT_EQ(v.at("input"), parsed(R"({"in":1})"));
  EXPECT_EQ(v.at("success_rate"), json::value(0.5));
  EXPECT_EQ(v.at("created_source_ids"), parsed(R"(["s1","s2"])"));
  EXPECT_EQ(v.at("created_note_ids"), parsed(R"(["n1"])"));
  EXPECT_EQ(v.at("usage"), parsed(R"({"prompt_tokens":20,"completion_tokens":0,"total_tokens":0,)"
                                  R"("cost":1.0})"));
  EXPECT_EQ(v.at("steps").as_array().size(), 4u);
}

TEST(Report, StepsComeInPlanOrderWithTheirOutputs) {
  auto run = finished_run();
  const auto v = parsed(execution_json(run.the_plan(), run.state, run.blobs));
  const auto& steps = v.at("steps").as_array();
  ASSERT_EQ(steps.size(), 4u);
  for (const auto* key : {"step_id", "type", "status", "attempt", "max_attempts", "started_at",
                          "completed_at", "duration_seconds", "output", "error"})
    EXPECT_TRUE(steps[0].as_object().contains(key)) << key;
  EXPECT_EQ(steps[0].at("output"), parsed(R"({"n":1})"));
  EXPECT_EQ(steps[1].at("status").as_string(), "failed");
  EXPECT_EQ(steps[1].at("error").at("code").as_string(), "http_404");
  EXPECT_EQ(steps[2].at("output").at("skipped").as_bool(), true);
  EXPECT_EQ(v.at("output").at("steps").at("ok2").at("status").as_string(), "success");
}

TEST(Report, AQueuedRunShowsItsStepsPending) {
  core_run run{plan_of(four), echo()};
  events::execution_started what;
  what.queued = true;
  run.start(json::object{}, what);
  const auto v = parsed(execution_json(run.the_plan(), run.state, run.blobs));
  EXPECT_EQ(v.at("status").as_string(), "queued");
  EXPECT_EQ(v.at("steps").as_array().size(), 4u);
  EXPECT_EQ(v.at("steps").at(0).at("status").as_string(), "pending");
  EXPECT_TRUE(v.at("output").is_null() && v.at("duration_seconds").is_null());
}

TEST(Report, FinishedIterationsComeFromTheHistory) {
  core_run run{plan_of(R"({"name":"w","nodes":[
    {"id":"t","name":"t","type":"TRIGGER","subtype":"MANUAL"},
    {"id":"loop","name":"loop","type":"FLOW","subtype":"LOOP","parameters":{
      "loop_type":"foreach","items":[5,6,7]}},
    {"id":"body","name":"body","type":"SKILL","subtype":"SKILL","parameters":{
      "skill_type":"work","parameters":{"n":"{{ $json }}"}}}],
    "edges":[{"source":"t","target":"loop"},
      {"source":"loop","source_port":"iteration","target":"body"},
      {"source":"body","target":"loop","target_port":"loop_body"}]})"),
               echo()};
  run.start();
  run.run();
  ASSERT_EQ(run.status(), "success") << run.trace();
  const auto history = history_of(run);
  const auto v = parsed(execution_json(run.the_plan(), run.state, run.blobs, &history));
  EXPECT_EQ(v.at("steps").as_array().size(), 5u);
  for (const auto* iteration : {"0", "1", "2"}) {
    const auto* step = step_of(v, "body", iteration);
    ASSERT_NE(step, nullptr) << iteration;
    EXPECT_EQ(step->at("status").as_string(), "success");
  }
  const auto without = parsed(execution_json(run.the_plan(), run.state, run.blobs));
  EXPECT_EQ(step_of(without, "body", "1"), nullptr) << "the state has forgotten it";
}

TEST(Report, TheHistoryAgreesWithTheStateOnRootSteps) {
  auto run = finished_run();
  const auto history = history_of(run);
  for (const auto n : run.the_plan().regions[0].nodes) {
    const auto& id = run.the_plan().nodes[n].id;
    const auto& step = history.steps().at({{}, id});
    EXPECT_EQ(step.status, run.at(id).status) << id;
    EXPECT_EQ(step.attempt, run.at(id).attempt) << id;
    EXPECT_EQ(step.ended, run.at(id).ended) << id;
  }
}

TEST(Report, AnEventShowsItsMembersAndItsHash) {
  events::node_completed e;
  e.at = {"a", {3, 0}};
  e.attempt = 2;
  e.ports = {{"main", value_ref{share(1)}}};
  const auto v = parsed(event_json({9, from_millis(1'800'000'000'123), e}, chain_hash{0xab}));
  EXPECT_EQ(v.at("seq"), 9);
  EXPECT_EQ(v.at("time").as_string(), "2027-01-15T08:00:00.123Z");
  EXPECT_EQ(v.at("kind").as_string(), "node_completed");
  EXPECT_EQ(v.at("node").as_string(), "a");
  EXPECT_EQ(v.at("iteration").as_string(), "3/0");
  EXPECT_EQ(v.at("attempt"), 2);
  EXPECT_EQ(v.at("data").at("ports").at(0).at("value"), 1);
  EXPECT_EQ(v.at("hash").as_string().size(), 64u);
  for (const auto& kind : every_kind())
    parsed(event_json(filled(kind, 3, 4, fill_mode::full), {}));
}

TEST(Report, SecretsAreMaskedWhereverParametersShow) {
  auto run = finished_run();
  std::string text = execution_report(run.the_plan(), run.state, run.history, run.blobs);
  text += execution_logs(run.history);
  text += execution_json(run.the_plan(), run.state, run.blobs);
  for (const auto& e : run.history)
    text += event_json(e, {});
  EXPECT_EQ(text.find("marker-4711"), std::string::npos);
  EXPECT_NE(text.find("***"), std::string::npos);
  const auto plain = share(json::object{{"a", json::array{1, "token"}}});
  EXPECT_EQ(masked(plain), plain);
  EXPECT_EQ(*masked(share(json::array{json::object{{"Authorization", "Bearer x"}}})),
            parsed(R"([{"Authorization":"***"}])"));
}

TEST(Report, TheReportFollowsTheEvents) {
  auto run = finished_run();
  const auto v = parsed(execution_report(run.the_plan(), run.state, run.history, run.blobs));
  std::vector<std::string> expected, path;
  for (const auto& e : run.history)
    if (const auto* done = std::get_if<events::node_completed>(&e.what))
      expected.push_back(done->at.node);
  for (const auto& one : v.at("execution_path").as_array())
    if (json::text_or(one, "status", {}) == "success")
      path.emplace_back(json::text_or(one, "step_id", {}));
  EXPECT_EQ(path, expected);
  EXPECT_EQ(v.at("execution_path").as_array().size(), 4u);
  EXPECT_EQ(v.at("execution_summary").at("succeeded"), 2);
  EXPECT_EQ(v.at("node_inputs").at("ok"), parsed(R"({"x":1})"));
  EXPECT_EQ(v.at("node_outputs").at("off").at("skipped"), true);
  EXPECT_EQ(v.at("errors").as_array().size(), 1u);
  EXPECT_EQ(v.at("performance_metrics").at("attempts"), 3);
}

TEST(Report, LogsHaveLevels) {
  auto run = finished_run();
  const auto v = parsed(execution_logs(run.history));
  std::map<std::string, int> levels;
  for (const auto& line : v.at("items").as_array())
    ++levels[std::string{json::text_or(line, "level", {})}];
  EXPECT_EQ(levels["info"], 2);
  EXPECT_EQ(levels["warning"], 2);
  EXPECT_EQ(levels["error"], 1);
}

} // namespace
} // namespace troupe

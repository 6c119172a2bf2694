// What a valid definition compiles to.
#include "tests/workflow/support.hpp"

namespace troupe::test {
namespace {

using std::chrono::milliseconds;

TEST(Plan, TurnsStepsIntoNodesWithOrderEdges) {
  const auto p = plan_of(R"({"id":"w1","name":"W","version":3,"steps":[
    {"step_id":"a","skill_type":"echo"},
    {"step_id":"b","skill_type":"rss_crawler","name":"Feeds","depends_on":["a","a"]}]})");
  EXPECT_EQ(p->workflow_id, "w1");
  EXPECT_EQ(p->workflow_version, 3U);
  ASSERT_EQ(p->nodes.size(), 2U);
  ASSERT_EQ(p->edges.size(), 1U);
  EXPECT_EQ(p->edges[0].kind, edge_kind::order);
  EXPECT_EQ(p->nodes[0].out, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(p->nodes[1].in, (std::vector<std::uint32_t>{0}));
  EXPECT_EQ(p->nodes[0].effect, effect_class::immediate);
  EXPECT_EQ(p->nodes[1].effect, effect_class::io);
  EXPECT_EQ(p->nodes[1].skill_type, "rss_crawler");
  EXPECT_EQ(p->nodes[1].kind, node_kind::skill);
  EXPECT_EQ(find_node(*p, "Feeds"), 1U);
  EXPECT_EQ(find_node(*p, "b"), 1U);
  EXPECT_EQ(find_node(*p, "c"), no_index);
}

TEST(Plan, ReadsPortsOfGraphs) {
  const auto p = plan_of(R"({"nodes":[
    {"id":"i","type":"FLOW","subtype":"IF","parameters":{"condition":"{{ input.n > 5 }}"}},
    {"id":"y","type":"OUTPUT","parameters":{"name":"yes"}},
    {"id":"memo","type":"NOTE","parameters":{"text":"hello"}},
    {"id":"x","type":"OUTPUT"}],
    "edges":[{"source":"i","source_port":"true","target":"y"},
             {"source":"i","source_port":"false","target":"x","is_static":true}]})");
  ASSERT_EQ(p->nodes.size(), 3U); // no note
  EXPECT_EQ(find_node(*p, "memo"), no_index);
  const auto& i = node_of(*p, "i");
  EXPECT_EQ(i.kind, node_kind::if_);
  EXPECT_TRUE(i.expressions.contains("condition"));
  EXPECT_FALSE(i.parameters.source().as_object().contains("condition"));
  EXPECT_EQ(p->edges[0].source_port, "true");
  EXPECT_TRUE(p->edges[1].is_static);
  EXPECT_EQ(p->edges[1].kind, edge_kind::data);
  EXPECT_EQ(node_of(*p, "x").constants.at("name"), "x"); // named after itself
  EXPECT_EQ(node_of(*p, "y").constants.at("value"), "{{ $json }}");
}

TEST(Plan, FillsInDefaultsOfTheCatalogue) {
  const auto p = plan_of(R"({"nodes":[
    {"id":"h","type":"ACTION","subtype":"HTTP_REQUEST","parameters":{"url":"http://x/"}},
    {"id":"m","type":"FLOW","subtype":"MERGE"},
    {"id":"q","type":"HUMAN_IN_THE_LOOP","subtype":"APP",
     "parameters":{"notification_type":"approval","message":"?"}},
    {"id":"w","type":"FLOW","subtype":"WAIT",
     "parameters":{"wait_type":"for_signal","signal_name":"go"}}],"edges":[]})");
  EXPECT_EQ(node_of(*p, "h").constants.at("method"), "GET");
  EXPECT_EQ(node_of(*p, "h").skill_type, "http_request");
  EXPECT_EQ(node_of(*p, "m").constants.at("wait_for_all"), true);
  EXPECT_FALSE(node_of(*p, "m").constants.contains("timeout")); // waits as long as the run may
  EXPECT_EQ(node_of(*p, "q").constants.at("timeout_action"), "fail"); // nothing hangs on timeout
  EXPECT_EQ(node_of(*p, "w").constants.at("max_wait"), 3600);
}

TEST(Plan, LetsATimeoutEdgeContinueAReview) {
  const auto p = plan_of(R"({"nodes":[
    {"id":"q","type":"HUMAN_IN_THE_LOOP","subtype":"APP",
     "parameters":{"notification_type":"approval","message":"?"}},
    {"id":"o","type":"OUTPUT"}],
    "edges":[{"source":"q","source_port":"timeout","target":"o"}]})");
  EXPECT_EQ(node_of(*p, "q").constants.at("timeout_action"), "continue");
}

TEST(Plan, UnwrapsSkillNodes) {
  const auto p = plan_of(R"({"nodes":[
    {"id":"e","type":"SKILL","subtype":"SKILL",
     "parameters":{"skill_type":"echo","parameters":{"x":"{{ input.x }}"}}},
    {"id":"r","type":"SKILL","parameters":{"skill_type":"rss_crawler"}},
    {"id":"d","type":"SKILL","subtype":"rss_crawler","parameters":{"feed_urls":["x"]}}],
    "edges":[]})");
  EXPECT_EQ(node_of(*p, "e").skill_type, "echo");
  EXPECT_EQ(node_of(*p, "e").effect, effect_class::immediate);
  EXPECT_EQ(node_of(*p, "e").parameters.source(), parsed(R"({"x":"{{ input.x }}"})"));
  EXPECT_EQ(node_of(*p, "r").skill_type, "rss_crawler");
  EXPECT_EQ(node_of(*p, "r").parameters.source(), parsed("{}"));
  EXPECT_EQ(node_of(*p, "d").parameters.source(), parsed(R"({"feed_urls":["x"]})"));
}

TEST(Plan, TakesExpressionsOutOfTheParameters) {
  const auto p = plan_of(R"({"nodes":[
    {"id":"f","type":"FLOW","subtype":"FILTER","parameters":{"filter_expression":"item > 1"}},
    {"id":"s","type":"FLOW","subtype":"SWITCH",
     "parameters":{"switch_expression":"input.k","cases":{"a":"first"}}},
    {"id":"g","type":"ACTION","subtype":"DATA_TRANSFORMATION",
     "parameters":{"transformation_type":"group","transformation_rule":"city"}},
    {"id":"j","type":"ACTION","subtype":"DATA_TRANSFORMATION","parameters":{
      "transformation_type":"join",
      "transformation_rule":{"items":"{{ input.other }}","key":"id","other_key":"item.ref.id"}}},
    {"id":"a","type":"ACTION","subtype":"DATA_TRANSFORMATION","parameters":{
      "transformation_type":"aggregate","transformation_rule":{"sum":"item.n","count":true}}}],
    "edges":[{"source":"s","source_port":"first","target":"f"}]})");
  EXPECT_EQ(node_of(*p, "f").expressions.at("filter_expression").text(), "item > 1");
  EXPECT_TRUE(node_of(*p, "s").expressions.contains("switch_expression"));
  EXPECT_TRUE(node_of(*p, "s").parameters.source().as_object().contains("cases"));
  EXPECT_EQ(node_of(*p, "g").expressions.at("transformation_rule").text(), R"(item["city"])");
  const auto& join = node_of(*p, "j");
  EXPECT_EQ(join.expressions.at("key").text(), R"(item["id"])");
  EXPECT_EQ(join.expressions.at("other_key").text(), "item.ref.id");
  EXPECT_EQ(join.parameters.source().at("transformation_rule"),
            parsed(R"({"items":"{{ input.other }}"})"));
  const auto& aggregate = node_of(*p, "a");
  EXPECT_TRUE(aggregate.expressions.contains("sum"));
  EXPECT_TRUE(aggregate.expressions.contains("count"));
  EXPECT_FALSE(aggregate.parameters.source().as_object().contains("transformation_rule"));
}

/// The plan of one echo step with these members.
plan_ptr one(const std::string& more) {
  return plan_of(R"({"steps":[{"step_id":"a","skill_type":"echo",)" + more + "}]}");
}

TEST(Plan, ResolvesRetries) {
  struct row {
    const char* given;
    retry_policy expected;
  };
  const retry_policy none{};
  const row rows[] = {
      {R"("retry_on_fail":0)", none},
      {R"("retry_on_fail":2,"retry_delay_seconds":7)",
       {3, retry_strategy::fixed, milliseconds(7'000), milliseconds(7'000)}},
      {R"("retry_on_fail":1)",
       {2, retry_strategy::fixed, milliseconds(5'000), milliseconds(5'000)}},
      {R"("retry_policy":{"max_attempts":4,"strategy":"exponential_jitter",
          "wait_min_seconds":0.5,"wait_max_seconds":8})",
       {4, retry_strategy::exponential_jitter, milliseconds(500), milliseconds(8'000)}},
      {R"("retry_policy":{"max_tries":2,"wait_between_tries":3})",
       {2, retry_strategy::fixed, milliseconds(3'000), milliseconds(3'000)}},
      {R"("retry_policy":{"max_attempts":2,"wait_min_seconds":900})",
       {2, retry_strategy::fixed, milliseconds(900'000), milliseconds(900'000)}},
  };
  for (const auto& r : rows)
    EXPECT_EQ(one(r.given)->nodes[0].retry, r.expected) << r.given;
}

TEST(Plan, TakesTheDefaultRetryWhereNothingIsSet) {
  auto c = context();
  c.default_retry = {5, retry_strategy::exponential, milliseconds(100), milliseconds(200)};
  const auto made = compile(parsed(R"({"steps":[{"step_id":"a","skill_type":"echo"},
    {"step_id":"b","skill_type":"echo","retry_on_fail":1},
    {"step_id":"c","skill_type":"echo","retry_policy":{"max_attempts":1}}]})"),
                            c);
  ASSERT_TRUE(made.executable) << listed(made.errors);
  EXPECT_EQ(made.executable->nodes[0].retry, c.default_retry);
  EXPECT_EQ(made.executable->nodes[1].retry.max_attempts, 2U);
  EXPECT_EQ(made.executable->nodes[2].retry.max_attempts, 1U);
}

TEST(Plan, ResolvesErrorPolicies) {
  struct row {
    const char* given;
    on_error expected;
  };
  const row rows[] = {
      {R"("notes":"")", on_error::stop},
      {R"("continue_on_fail":true)", on_error::continue_},
      {R"("on_error":"stop","continue_on_fail":true)", on_error::stop},
      {R"("on_error":"continue")", on_error::continue_},
      {R"("on_error":"continueRegularOutput")", on_error::continue_},
      {R"("on_error":"continueErrorOutput")", on_error::error_output},
      {R"("on_error":"error_output")", on_error::error_output},
      {R"("fallback":{"value":{"x":1}})", on_error::fallback},
      {R"("fallback":{"value":null})", on_error::fallback},
  };
  for (const auto& r : rows)
    EXPECT_EQ(one(r.given)->nodes[0].error_policy, r.expected) << r.given;
  const auto p = plan_of(R"({"nodes":[{"id":"a","type":"SKILL","subtype":"ECHO"},
    {"id":"b","type":"SKILL","subtype":"ECHO"}],
    "edges":[{"source":"a","source_port":"error","target":"b"}],
    "settings":{"error_policy":"continue"}})");
  EXPECT_EQ(p->nodes[0].error_policy, on_error::error_output);
  EXPECT_EQ(p->nodes[1].error_policy, on_error::continue_);
  EXPECT_TRUE(p->continue_on_error);
}

TEST(Plan, ReadsWhatAnInterruptionMeans) {
  EXPECT_EQ(one(R"("notes":"")")->nodes[0].interrupted, when_interrupted::retry);
  EXPECT_EQ(one(R"("when_interrupted":"fail")")->nodes[0].interrupted, when_interrupted::fail);
  EXPECT_EQ(one(R"("when_interrupted":"ask")")->nodes[0].interrupted, when_interrupted::ask);
}

TEST(Plan, ReadsWorkflowSettings) {
  const auto p = plan_of(R"({"steps":[{"step_id":"a","skill_type":"echo","timeout_seconds":1.5,
      "condition":"{{ input.go }}","disabled":true,"dry_output":{"x":1}}],
    "variables":{"x":1,"y":2},"vars":{"y":3},"pin_data":{"a":{"pinned":true}},
    "output_mapping":{"o":"{{ steps.a.output }}"},"input_schema":{"n":{"type":"integer"}},
    "settings":{"timezone":"UTC","timeout_seconds":600,"max_parallel_steps":2,
                "max_concurrent_executions":4,"budget":{"steps":9,"cost":1.5}}})");
  EXPECT_EQ(p->timeout, milliseconds(600'000));
  EXPECT_EQ(p->limits.parallel_steps_max, 2U);
  EXPECT_EQ(p->limits.concurrent_executions_max, 4U);
  EXPECT_EQ(p->limits.steps_max, 9U);
  EXPECT_EQ(p->variables, parsed(R"({"x":1,"y":3})").as_object());
  ASSERT_EQ(p->output_mapping.size(), 1U);
  EXPECT_EQ(p->output_mapping[0].first, "o");
  EXPECT_EQ(p->settings.at("timezone"), "UTC");
  const auto& a = node_of(*p, "a");
  EXPECT_EQ(a.timeout, milliseconds(1'500));
  EXPECT_TRUE(a.condition);
  EXPECT_TRUE(a.disabled);
  ASSERT_TRUE(a.pin);
  EXPECT_EQ(*a.pin, parsed(R"({"pinned":true})"));
  EXPECT_EQ(*a.dry_output, parsed(R"({"x":1})"));
}

TEST(Plan, DetachesWhatOnlyAFallbackReaches) {
  const auto p = plan_of(R"({"nodes":[
    {"id":"a","type":"SKILL","subtype":"ECHO","fallback":{"node":"spare"}},
    {"id":"spare","type":"SKILL","subtype":"ECHO"},
    {"id":"after","type":"SKILL","subtype":"ECHO"},{"id":"both","type":"SKILL","subtype":"ECHO"}],
    "edges":[{"source":"spare","target":"after"},{"source":"spare","target":"both"},
             {"source":"a","target":"both"}]})");
  EXPECT_EQ(node_of(*p, "a").fallback.node, find_node(*p, "spare"));
  EXPECT_EQ(node_of(*p, "a").error_policy, on_error::fallback);
  EXPECT_FALSE(node_of(*p, "a").detached);
  EXPECT_TRUE(node_of(*p, "spare").detached);
  EXPECT_TRUE(node_of(*p, "after").detached);
  EXPECT_FALSE(node_of(*p, "both").detached);
  ASSERT_EQ(node_of(*p, "both").in.size(), 1U); // nobody waits for a detached node
  EXPECT_EQ(p->edges[node_of(*p, "both").in[0]].source, find_node(*p, "a"));
}

TEST(Plan, ReadsConnectionsByName) {
  const char* spellings[] = {
      R"({"Check":{"main":[[{"node":"Yes","type":"main","index":0}],[{"node":"No"}]]}})",
      R"({"c":{"main":[[{"node":"y"}],[{"node":"n"}]]}})",
  };
  for (const char* connections : spellings) {
    const auto p = plan_of(R"({"nodes":[
      {"id":"c","name":"Check","type":"FLOW","subtype":"IF","parameters":{"condition":"true"}},
      {"id":"y","name":"Yes","type":"OUTPUT"},{"id":"n","name":"No","type":"OUTPUT"}],
      "connections":)" + std::string(connections) +
                           "}");
    ASSERT_EQ(p->edges.size(), 2U);
    EXPECT_EQ(p->edges[0].source_port, "true");
    EXPECT_EQ(p->edges[0].target, find_node(*p, "y"));
    EXPECT_EQ(p->edges[1].source_port, "false");
    EXPECT_EQ(p->edges[1].target, find_node(*p, "n"));
  }
}

TEST(Plan, ReadsFlatAndListedConnections) {
  const char* spellings[] = {
      R"({"a":{"main":[{"node":"b"},{"node":"c","index":1}]}})",
      R"([{"source":"a","target":"b"},{"source":"A","target":"C","index":1}])",
  };
  for (const char* connections : spellings) {
    const auto p = plan_of(R"({"nodes":[{"id":"a","name":"A","type":"SKILL","subtype":"ECHO"},
      {"id":"b","name":"B","type":"OUTPUT"},{"id":"c","name":"C","type":"OUTPUT"}],
      "connections":)" + std::string(connections) +
                           "}");
    ASSERT_EQ(p->edges.size(), 2U) << connections;
    EXPECT_EQ(p->edges[1].source_port, "main");
    EXPECT_EQ(p->edges[1].target, find_node(*p, "c"));
  }
}

TEST(Plan, TakesNullsForAbsentFields) {
  const auto p = plan_of(R"({"steps":null,"description":null,"input_schema":null,"schedule":null,
    "output_mapping":null,"settings":null,"pin_data":null,"variables":null,"nodes":[
    {"id":"a","name":null,"type":"OUTPUT","condition":null,"on_error":null,"retry_policy":null,
     "fallback":null,"timeout_seconds":null,"parameters":null}],"edges":null})");
  EXPECT_EQ(p->nodes.size(), 1U);
}

TEST(Plan, OrdersInputsByIndex) {
  const auto p = plan_of(R"({"nodes":[{"id":"a","type":"SKILL","subtype":"ECHO"},
    {"id":"b","type":"SKILL","subtype":"ECHO"},{"id":"m","type":"FLOW","subtype":"MERGE"}],
    "edges":[{"source":"a","target":"m","index":1},{"source":"b","target":"m","index":0}]})");
  EXPECT_EQ(node_of(*p, "m").in, (std::vector<std::uint32_t>{1, 0}));
}

TEST(Plan, RunsTheGraphViewOfStepsAlike) {
  const auto steps = normalise(parsed(R"({"steps":[
    {"step_id":"a","skill_type":"echo","parameters":{"x":1}},
    {"step_id":"b","skill_type":"rss_crawler","depends_on":["a"],"retry_on_fail":2},
    {"step_id":"c","skill_type":"http_request","parameters":{"url":"http://x/"},
     "depends_on":["a","b"],"condition":"input.n > 1"}]})"));
  ASSERT_TRUE(steps);
  const auto one_way = compiled_from(json::value(*steps));
  const auto other = compiled_from(json::value(to_graph(*steps)));
  ASSERT_TRUE(one_way.executable) << listed(one_way.errors);
  ASSERT_TRUE(other.executable) << listed(other.errors);
  for (std::size_t i = 0; i < 3; ++i) {
    const auto &x = one_way.executable->nodes[i], &y = other.executable->nodes[i];
    EXPECT_EQ(x.id, y.id);
    EXPECT_EQ(x.skill_type, y.skill_type);
    EXPECT_EQ(x.in, y.in);
    EXPECT_EQ(x.retry, y.retry);
    EXPECT_EQ(x.constants, y.constants);
    EXPECT_EQ(x.condition.has_value(), y.condition.has_value());
  }
  for (std::size_t i = 0; i < one_way.executable->edges.size(); ++i)
    EXPECT_EQ(other.executable->edges[i].kind, edge_kind::order);
}

} // namespace
} // namespace troupe::test

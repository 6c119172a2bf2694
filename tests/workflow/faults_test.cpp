// Every rule of a definition: what breaks it, who is blamed, with which code.
#include "tests/workflow/support.hpp"

namespace troupe::test {
namespace {

struct broken {
  const char* what;
  std::string definition;
  const char *node, *field, *code;
};

/// Every fault is reported, names its node and field, and nothing runs.
void expect_faults(const std::vector<broken>& rows) {
  for (const auto& r : rows) {
    const auto made = compiled_from(r.definition);
    EXPECT_FALSE(made.executable) << r.what;
    bool found = false;
    for (const auto& e : made.errors)
      found = found || (e.node == r.node && e.field == r.field && e.code == r.code);
    EXPECT_TRUE(found) << r.what << ": wanted [" << r.node << " | " << r.field << " | " << r.code
                       << "]\n"
                       << listed(made.errors);
    for (const auto& e : made.errors)
      EXPECT_FALSE(e.message.empty()) << r.what;
  }
}

std::string steps(const std::string& list) {
  return R"({"steps":[)" + list + "]}";
}

/// A graph around two echo nodes a and b.
std::string graph(const std::string& nodes, const std::string& edges = "",
                  const std::string& more = "") {
  return R"({"nodes":[{"id":"a","type":"SKILL","subtype":"ECHO"},
             {"id":"b","type":"SKILL","subtype":"ECHO"})" +
         (nodes.empty() ? "" : "," + nodes) + R"(],"edges":[)" + edges + "]" + more + "}";
}

std::string node(const std::string& type, const std::string& subtype,
                 const std::string& parameters = "{}", const std::string& more = "") {
  return R"({"id":"n","type":")" + type + R"(","subtype":")" + subtype + R"(","parameters":)" +
         parameters + more + "}";
}

std::string echo(const std::string& more) {
  return node("SKILL", "ECHO", "{}", "," + more);
}

TEST(Faults, InSteps) {
  const auto with = [](const std::string& more) {
    return steps(R"({"step_id":"a","skill_type":"echo",)" + more + "}");
  };
  expect_faults({
      {"no id", steps(R"({"skill_type":"echo"})"), "", "steps[0].step_id", "missing_id"},
      {"duplicate id",
       steps(R"({"step_id":"a","skill_type":"echo"},{"step_id":"a","skill_type":"echo"})"), "a",
       "step_id", "duplicate_id"},
      {"bad id", steps(R"({"step_id":"1a","skill_type":"echo"})"), "1a", "step_id", "bad_id"},
      {"no skill", steps(R"({"step_id":"a"})"), "a", "skill_type", "missing_skill"},
      {"unknown skill", steps(R"({"step_id":"a","skill_type":"nope"})"), "a", "skill_type",
       "unknown_skill"},
      {"undefined dependency", with(R"("depends_on":["ghost"])"), "a", "depends_on[0]",
       "undefined_dependency"},
      {"self edge", with(R"("depends_on":["a"])"), "a", "depends_on[0]", "self_edge"},
      {"missing parameter", steps(R"({"step_id":"a","skill_type":"http_request"})"), "a",
       "parameters.url", "missing_parameter"},
      {"condition", with(R"("condition":"1 +")"), "a", "condition", "expression_syntax"},
      {"template", with(R"("parameters":{"x":{"y":"{{ 1 + }}"}})"), "a", "parameters.x.y",
       "expression_syntax"},
      {"unknown step in a template", with(R"("parameters":{"x":"{{ steps.ghost.output }}"})"), "a",
       "parameters.x", "unknown_step"},
      {"unknown node in a condition", with(R"("condition":"$node['Ghost'].status == 'success'")"),
       "a", "condition", "unknown_step"},
      {"retries", with(R"("retry_on_fail":-1)"), "a", "retry_on_fail", "bad_retry_policy"},
      {"delay", with(R"("retry_delay_seconds":-1)"), "a", "retry_delay_seconds",
       "bad_retry_policy"},
      {"timeout", with(R"("timeout_seconds":0)"), "a", "timeout_seconds", "out_of_range"},
      {"long timeout", with(R"("timeout_seconds":86401)"), "a", "timeout_seconds", "out_of_range"},
      {"on_error", with(R"("on_error":"panic")"), "a", "on_error", "bad_value"},
      {"interrupted", with(R"("when_interrupted":"shrug")"), "a", "when_interrupted", "bad_value"},
      {"loop without ports", steps(R"({"step_id":"a","skill_type":"loop"})"), "a", "skill_type",
       "needs_graph_form"},
  });
}

TEST(Faults, InShapes) {
  expect_faults({
      {"steps", R"({"steps":{}})", "", "steps", "wrong_type"},
      {"step", R"({"steps":[1]})", "", "steps[0]", "wrong_type"},
      {"depends_on", R"({"steps":[{"step_id":"a"},{"step_id":"b"},
        {"step_id":"c","skill_type":"echo","depends_on":"a"}]})",
       "c", "steps[2].depends_on", "wrong_type"},
      {"depends_on element", R"({"steps":[{"step_id":"a","depends_on":[1]}]})", "a",
       "steps[0].depends_on", "wrong_type"},
      {"parameters", R"({"steps":[{"step_id":"a","parameters":[]}]})", "a", "steps[0].parameters",
       "wrong_type"},
      {"retry_on_fail", R"({"steps":[{"step_id":"a","retry_on_fail":"2"}]})", "a",
       "steps[0].retry_on_fail", "wrong_type"},
      {"nodes", R"({"nodes":"x"})", "", "nodes", "wrong_type"},
      {"node", R"({"nodes":[null]})", "", "nodes[0]", "wrong_type"},
      {"disabled", R"({"nodes":[{"id":"a","disabled":1}]})", "a", "nodes[0].disabled",
       "wrong_type"},
      {"edges", R"({"nodes":[{"id":"a"}],"edges":{}})", "", "edges", "wrong_type"},
      {"edge", R"({"nodes":[{"id":"a"}],"edges":["a"]})", "", "edges[0]", "wrong_type"},
      {"index", R"({"nodes":[{"id":"a"}],"edges":[{"source":"a","index":"0"}]})", "a",
       "edges[0].index", "wrong_type"},
      {"connections", R"({"nodes":[{"id":"a"}],"connections":3})", "", "connections", "wrong_type"},
      {"named connections", R"({"nodes":[{"id":"a"}],"connections":{"a":[1]}})", "",
       "connections.a", "wrong_type"},
      {"targets", R"({"nodes":[{"id":"a"}],"connections":{"a":{"main":[[1]]}}})", "",
       "connections.a.main[0][0]", "wrong_type"},
      {"edges and connections",
       R"({"nodes":[{"id":"a"}],"edges":[{"source":"a"}],"connections":{"a":{}}})", "",
       "connections", "two_forms"},
      {"settings", R"({"settings":[],"steps":[]})", "", "settings", "wrong_type"},
      {"not an object", "[]", "", "", "definition_invalid"},
  });
}

TEST(Faults, InWorkflows) {
  const auto with = [](const std::string& more) {
    return R"({"steps":[{"step_id":"a","skill_type":"echo"}],)" + more + "}";
  };
  expect_faults({
      {"nothing", "{}", "", "", "no_nodes"},
      {"empty steps", R"({"steps":[]})", "", "", "no_nodes"},
      {"only notes", R"({"nodes":[{"id":"x","type":"NOTE"}]})", "", "nodes", "no_nodes"},
      {"both forms", with(R"("nodes":[{"id":"x"}])"), "", "steps", "two_forms"},
      {"blank name", with(R"("name":"  ")"), "", "name", "missing_name"},
      {"timeout type", with(R"("settings":{"timeout_seconds":"long"})"), "",
       "settings.timeout_seconds", "wrong_type"},
      {"timeout above", with(R"("settings":{"timeout_seconds":86401})"), "",
       "settings.timeout_seconds", "out_of_range"},
      {"timeout below", with(R"("settings":{"timeout":0.5})"), "", "settings.timeout",
       "out_of_range"},
      {"error policy", with(R"("settings":{"error_policy":"hope"})"), "", "settings.error_policy",
       "bad_value"},
      {"parallel", with(R"("settings":{"max_parallel_steps":-1})"), "",
       "settings.max_parallel_steps", "out_of_range"},
      {"budget", with(R"("settings":{"budget":{"steps":"many"}})"), "", "settings.budget.steps",
       "wrong_type"},
      {"budget key", with(R"("settings":{"budget":{"stepz":1}})"), "", "settings.budget.stepz",
       "bad_value"},
      {"schema type", with(R"("input_schema":{"n":{"type":"intger"}})"), "", "input_schema.n.type",
       "bad_input_schema"},
      {"schema rule", with(R"("input_schema":{"n":5})"), "", "input_schema.n", "bad_input_schema"},
      {"output", with(R"("output_mapping":{"o":"{{ 1 + }}"})"), "", "output_mapping.o",
       "expression_syntax"},
      {"output of nobody", with(R"("output_mapping":{"o":"{{ steps.ghost.output }}"})"), "",
       "output_mapping.o", "unknown_step"},
  });
}

TEST(Faults, InGraphs) {
  const auto edge = [](const std::string& more) {
    return R"({"source":"a","target":"b",)" + more + "}";
  };
  expect_faults({
      {"reserved id", R"({"nodes":[{"id":"execution","type":"OUTPUT"}]})", "execution", "id",
       "reserved_id"},
      {"duplicate name",
       R"({"nodes":[{"id":"x","name":"N","type":"OUTPUT"},{"id":"y","name":"N","type":"OUTPUT"}]})",
       "y", "name", "duplicate_name"},
      {"no type", graph(R"({"id":"n"})"), "n", "type", "missing_type"},
      {"unknown type", graph(node("NOPE", "X")), "n", "type", "unknown_type"},
      {"unknown subtype", graph(node("FLOW", "NOPE")), "n", "subtype", "unknown_subtype"},
      {"unknown skill", graph(node("SKILL", "SKILL", R"({"skill_type":"nope"})")), "n",
       "parameters.skill_type", "unknown_skill"},
      {"source", graph("", R"({"source":"ghost","target":"b"})"), "ghost", "edges[0].source",
       "unknown_endpoint"},
      {"target", graph("", R"({"source":"a","target":"ghost"})"), "a", "edges[0].target",
       "unknown_endpoint"},
      {"source port", graph("", edge(R"("source_port":"maybe")")), "a", "edges[0].source_port",
       "unknown_port"},
      {"target port", graph("", edge(R"("target_port":"side")")), "b", "edges[0].target_port",
       "unknown_port"},
      {"into a trigger", graph(node("TRIGGER", "MANUAL"), R"({"source":"a","target":"n"})"), "n",
       "edges[0].target_port", "unknown_port"},
      {"from a note", graph(node("NOTE", "NOTE"), R"({"source":"n","target":"a"})"), "n",
       "edges[0].source", "unknown_port"},
      {"index", graph("", edge(R"("index":-1)")), "a", "edges[0].index", "bad_index"},
      {"connection type", graph("", edge(R"("type":"ai_magic")")), "a", "edges[0].type",
       "unknown_connection_type"},
      {"kind", graph("", edge(R"("kind":"maybe")")), "a", "edges[0].kind", "bad_value"},
      {"self edge", graph("", R"({"source":"a","target":"a"})"), "a", "edges[0]", "self_edge"},
      {"cycle", graph("", R"({"source":"a","target":"b"},{"source":"b","target":"a"})"), "a",
       "edges", "cycle"},
      {"mapping", graph("", edge(R"("mapping":{"type":"MAGIC"})")), "a", "edges[0].mapping",
       "mapping_invalid"},
      {"regex", graph("", edge(R"("mapping":{"type":"FIELD_MAPPING","fields":[
        {"source":"x","target":"y","transform":{"type":"REGEX","pattern":"a+("}}]})")),
       "a", "edges[0].mapping", "regex_invalid"},
  });
}

TEST(Faults, InParameters) {
  const auto wait = [](const std::string& more) {
    return graph(node("FLOW", "WAIT", "{" + more + "}"));
  };
  const auto http = [](const std::string& more) {
    return graph(node("ACTION", "HTTP_REQUEST", R"({"url":"http://x/",)" + more + "}"));
  };
  const auto transform = [](const std::string& type, const std::string& rule) {
    return graph(
        node("ACTION", "DATA_TRANSFORMATION",
             R"({"transformation_type":")" + type + R"(","transformation_rule":)" + rule + "}"));
  };
  expect_faults({
      {"no condition", graph(node("FLOW", "IF")), "n", "parameters.condition", "missing_parameter"},
      {"empty condition", graph(node("FLOW", "IF", R"({"condition":""})")), "n",
       "parameters.condition", "missing_parameter"},
      {"bad condition", graph(node("FLOW", "IF", R"({"condition":"(1"})")), "n",
       "parameters.condition", "expression_syntax"},
      {"enumeration", wait(R"("wait_type":"nap")"), "n", "parameters.wait_type", "bad_value"},
      {"no templates in what compile reads", wait(R"("wait_type":"{{ input.t }}")"), "n",
       "parameters.wait_type", "not_templated"},
      {"type", wait(R"("wait_type":"fixed_delay","duration_seconds":"soon")"), "n",
       "parameters.duration_seconds", "wrong_type"},
      {"minimum", wait(R"("wait_type":"fixed_delay","duration_seconds":-1)"), "n",
       "parameters.duration_seconds", "out_of_range"},
      {"delay", wait(R"("wait_type":"fixed_delay")"), "n", "parameters.duration_seconds",
       "missing_parameter"},
      {"time", wait(R"("wait_type":"until_time","wait_until":"noon")"), "n",
       "parameters.wait_until", "bad_value"},
      {"signal", wait(R"("wait_type":"for_signal")"), "n", "parameters.signal_name",
       "missing_parameter"},
      {"wait condition", wait(R"("wait_type":"until_condition")"), "n", "parameters.condition",
       "missing_parameter"},
      {"url", graph(node("ACTION", "HTTP_REQUEST", R"({"url":"ftp://x"})")), "n", "parameters.url",
       "wrong_type"},
      {"method", http(R"("method":"FETCH")"), "n", "parameters.method", "bad_value"},
      {"auth", http(R"("auth":{"type":"magic"})"), "n", "parameters.auth.type", "bad_value"},
      {"statuses", http(R"("allowed_statuses":[99])"), "n", "parameters.allowed_statuses",
       "out_of_range"},
      {"headers", http(R"("headers":[])"), "n", "parameters.headers", "wrong_type"},
      {"cases", graph(node("FLOW", "SWITCH", R"({"switch_expression":"1","cases":{}})")), "n",
       "parameters.cases", "missing_parameter"},
      {"case", graph(node("FLOW", "SWITCH", R"({"switch_expression":"1","cases":{"a":1}})")), "n",
       "parameters.cases.a", "wrong_type"},
      {"join key", graph(node("FLOW", "MERGE", R"({"merge_type":"join"})")), "n",
       "parameters.join_key", "missing_parameter"},
      {"form",
       graph(node("HUMAN_IN_THE_LOOP", "APP",
                  R"({"notification_type":"input","message":"m","form":"text"})")),
       "n", "parameters.form", "wrong_type"},
      {"default response",
       graph(node("HUMAN_IN_THE_LOOP", "APP",
                  R"({"notification_type":"input","message":"m","timeout_action":"default"})")),
       "n", "parameters.default_response", "missing_parameter"},
      {"sub-workflow", graph(node("SUBWORKFLOW", "SUBWORKFLOW")), "n", "parameters.workflow_id",
       "missing_parameter"},
      {"rule", transform("map", "[1]"), "n", "parameters.transformation_rule", "wrong_type"},
      {"join", transform("join", R"({"items":[]})"), "n", "parameters.transformation_rule.key",
       "missing_parameter"},
      {"aggregate", transform("aggregate", R"({"median":"item"})"), "n",
       "parameters.transformation_rule.median", "bad_value"},
      {"rule syntax", transform("map", R"("item +")"), "n", "parameters.transformation_rule",
       "expression_syntax"},
  });
}

TEST(Faults, InPolicies) {
  expect_faults({
      {"attempts", graph(echo(R"("retry_policy":{"max_attempts":0})")), "n",
       "retry_policy.max_attempts", "bad_retry_policy"},
      {"attempts type", graph(echo(R"("retry_policy":{"max_attempts":"3"})")), "n",
       "retry_policy.max_attempts", "wrong_type"},
      {"strategy", graph(echo(R"("retry_policy":{"strategy":"hope"})")), "n",
       "retry_policy.strategy", "bad_retry_policy"},
      {"bounds", graph(echo(R"("retry_policy":{"wait_min_seconds":9,"wait_max_seconds":1})")), "n",
       "retry_policy.wait_min_seconds", "bad_retry_policy"},
      {"fallback to nobody", graph(echo(R"("fallback":{"node":"ghost"})")), "n", "fallback.node",
       "bad_fallback"},
      {"fallback to itself", graph(echo(R"("fallback":{"node":"n"})")), "n", "fallback.node",
       "bad_fallback"},
      {"empty fallback", graph(echo(R"("fallback":{})")), "n", "fallback", "bad_fallback"},
      {"missing fallback", graph(echo(R"("on_error":"fallback")")), "n", "fallback",
       "bad_fallback"},
      {"fallback template", graph(echo(R"("fallback":{"value":"{{ + }}"})")), "n", "fallback.value",
       "expression_syntax"},
  });
}

TEST(Faults, NameTheWholePathOfACycle) {
  const auto made = compiled_from(R"({"steps":[
    {"step_id":"a","skill_type":"echo","depends_on":["c"]},
    {"step_id":"b","skill_type":"echo","depends_on":["a"]},
    {"step_id":"c","skill_type":"echo","depends_on":["b"]}]})");
  const node_error* cycle = fault_of(made.errors, "cycle");
  ASSERT_NE(cycle, nullptr) << listed(made.errors);
  EXPECT_NE(cycle->message.find("a -> b -> c -> a"), std::string::npos) << cycle->message;
}

TEST(Faults, AreAllReportedAndInTheOrderOfTheDefinition) {
  const auto made = compiled_from(R"({"steps":[
    {"step_id":"a","skill_type":"nope","depends_on":["ghost"],"condition":"1 +"},
    {"step_id":"b","skill_type":"http_request","parameters":{"method":"X"},"on_error":"panic"}],
    "settings":{"error_policy":"x"}})");
  std::vector<std::string> nodes;
  for (const auto& e : made.errors)
    nodes.push_back(e.node);
  EXPECT_EQ(nodes, (std::vector<std::string>{"", "a", "a", "a", "b", "b", "b"}))
      << listed(made.errors);
}

TEST(Faults, AskWhichTimeZonesThereAre) {
  const auto made = [](bool known) {
    auto how = context();
    how.limits.zone_known = [known](std::string_view zone) {
      return known && zone == "Mars/Olympus";
    };
    return compile(parsed(R"({"name":"w","settings":{"timezone":"Mars/Olympus"},
        "steps":[{"step_id":"a","skill_type":"echo"}]})"),
                   how);
  };
  EXPECT_TRUE(made(true).executable);
  const auto refused = made(false);
  const auto* fault = fault_of(refused.errors, "unknown_timezone");
  ASSERT_NE(fault, nullptr) << listed(refused.errors);
  EXPECT_EQ(fault->field, "settings.timezone");
}

TEST(Faults, StopAtTooManyNodes) {
  json::array list;
  for (int i = 0; i < 1'001; ++i)
    list.push_back(json::object{{"step_id", "s" + std::to_string(i)}, {"skill_type", "echo"}});
  const auto made = compiled_from(json::value(json::object{{"steps", list}}));
  ASSERT_EQ(made.errors.size(), 1U);
  EXPECT_EQ(made.errors[0].code, "too_many_nodes");
  list.pop_back();
  EXPECT_TRUE(compiled_from(json::value(json::object{{"steps", list}})).executable);
}

TEST(Faults, WarnAboutWhatMayBeMeant) {
  struct row {
    std::string definition;
    const char *node, *field, *code;
  };
  const row rows[] = {
      {steps(R"({"step_id":"a","skill_type":"echo","parameters":{"x":"{{ steps.b.output }}"}},
                {"step_id":"b","skill_type":"echo"})"),
       "a", "parameters.x", "not_upstream"},
      {steps(R"({"step_id":"a","skill_type":"echo","condition":"inptu.x"})"), "a", "condition",
       "unknown_name"},
      {steps(R"({"step_id":"a","skill_type":"if","parameters":{"condition":"1","extra":2}})"), "a",
       "parameters.extra", "unknown_parameter"},
      {graph(node("TRIGGER", "MANUAL"), R"({"source":"n","target":"a"})"), "b", "", "unreachable"},
      {graph("", "", R"(,"pin_data":{"ghost":1})"), "", "pin_data.ghost", "unknown_node"},
  };
  for (const auto& r : rows) {
    const auto made = compiled_from(r.definition);
    EXPECT_TRUE(made.executable) << listed(made.errors);
    const node_error* w = fault_of(made.warnings, r.code);
    ASSERT_NE(w, nullptr) << r.code << listed(made.warnings);
    EXPECT_EQ(w->node, r.node) << r.code;
    EXPECT_EQ(w->field, r.field) << r.code;
  }
}

} // namespace
} // namespace troupe::test

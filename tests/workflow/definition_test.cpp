// The stored form of definitions.
#include "tests/workflow/support.hpp"

namespace troupe::test {
namespace {

json::object stored(std::string_view text) {
  auto made = normalise(parsed(text));
  EXPECT_TRUE(made) << text;
  return made ? std::move(*made) : json::object();
}

TEST(Definition, FillsInDefaultsOfSteps) {
  const auto d = stored(R"({"steps":[{"step_id":"a","skill_type":"echo","depends_on":null}]})");
  EXPECT_EQ(d.at("enabled"), true);
  EXPECT_EQ(d.at("steps").at(0), parsed(R"({"step_id":"a","skill_type":"echo","parameters":{},
    "depends_on":[],"retry_on_fail":0,"retry_delay_seconds":5,"continue_on_fail":false})"));
  EXPECT_FALSE(d.contains("nodes"));
}

TEST(Definition, FillsInDefaultsOfGraphs) {
  const auto d = stored(R"({"nodes":[{"id":"a","type":"OUTPUT"},{"id":"b","type":"OUTPUT"}],
    "edges":[{"source":"a","target":"b"}]})");
  EXPECT_EQ(d.at("nodes").at(1), parsed(R"({"id":"b","name":"b","type":"OUTPUT","type_version":1,
    "parameters":{},"disabled":false,"position":{"x":240,"y":0}})"));
  EXPECT_EQ(d.at("edges").at(0), parsed(R"({"source":"a","target":"b","source_port":"main",
    "target_port":"main","type":"main","index":0})"));
  EXPECT_FALSE(d.contains("steps"));
}

TEST(Definition, KeepsEveryFieldOfAStep) {
  const auto full = parsed(R"({"step_id":"b","skill_type":"echo","name":"B","description":"all",
    "parameters":{"deep":{"list":[1,2.5,null,true,"x"]}},"depends_on":["a"],
    "condition":"input.go == true","retry_on_fail":2,"retry_delay_seconds":7,
    "continue_on_fail":true,"timeout_seconds":9,"retry_policy":{"max_attempts":3,
    "strategy":"exponential_jitter","wait_min_seconds":1,"wait_max_seconds":8},"mine":[1]})");
  const auto d = stored(R"({"steps":[)" + json::write(full) + "]}");
  EXPECT_TRUE(json::same(d.at("steps").at(0), full)) << json::write(d.at("steps").at(0));
}

TEST(Definition, KeepsEveryFieldOfANode) {
  const auto full = parsed(R"({"id":"n","name":"A name","type":"ACTION","subtype":"SET_VARIABLE",
    "type_version":1,"parameters":{"name":"v","value":1},"credentials":{"http":"c1"},
    "disabled":true,"on_error":"continue","notes":"why","position":{"x":10,"y":-2.5},
    "retry_policy":{"max_attempts":2},"mine":{"x":[]}})");
  const auto d = stored(R"({"nodes":[)" + json::write(full) + R"(],"edges":[],"unknown":7})");
  EXPECT_TRUE(json::same(d.at("nodes").at(0), full)) << json::write(d.at("nodes").at(0));
  EXPECT_EQ(d.at("unknown"), 7);
}

TEST(Definition, IsStableUnderRepetition) {
  const char* texts[] = {
      R"({"steps":[{"step_id":"a","skill_type":"echo"}]})",
      R"({"nodes":[{"id":"a","name":"A","type":"OUTPUT"},{"id":"b","name":"B","type":"OUTPUT"}],
          "connections":{"A":{"main":[[{"node":"B","type":"main","index":0}]]}}})",
      R"({"steps":[]})",
  };
  for (const char* text : texts) {
    const auto once = stored(text);
    const auto twice = normalise(json::value(once));
    ASSERT_TRUE(twice);
    EXPECT_TRUE(json::same(json::value(once), json::value(*twice))) << text;
  }
}

TEST(Definition, ResolvesNamesToIds) {
  const auto d = stored(R"({"nodes":[{"id":"a","name":"First","type":"OUTPUT"},
    {"id":"b","name":"Second","type":"OUTPUT"}],
    "connections":{"First":{"main":[[{"node":"Second"}]],"ai_tool":[[{"node":"Ghost"}]]}}})");
  EXPECT_FALSE(d.contains("connections"));
  const auto& edges = d.at("edges").as_array();
  ASSERT_EQ(edges.size(), 2U);
  EXPECT_EQ(edges[0].at("source"), "a");
  EXPECT_EQ(edges[0].at("target"), "b");
  EXPECT_EQ(edges[1].at("target"), "Ghost"); // reported by compile
  EXPECT_EQ(edges[1].at("type"), "ai_tool");
}

TEST(Definition, NumbersInputsOfALoop) {
  const auto d = stored(R"({"nodes":[{"id":"l","type":"FLOW","subtype":"LOOP"},
    {"id":"b","type":"OUTPUT"}],"connections":{"l":{"main":[[{"node":"b"}]]},
    "b":{"main":[[{"node":"l","index":1}]]}}})");
  EXPECT_EQ(d.at("edges").at(0).at("source_port"), "iteration");
  EXPECT_EQ(d.at("edges").at(1).at("target_port"), "loop_body");
}

TEST(Definition, NumbersOutputsOfASwitchByItsCases) {
  const auto d = stored(R"({"nodes":[{"id":"s","type":"FLOW","subtype":"SWITCH",
    "parameters":{"switch_expression":"1","cases":{"x":"first","y":"second"}}},
    {"id":"o","type":"OUTPUT"}],
    "connections":{"s":{"main":[[],[{"node":"o"}],[{"node":"o"}],[{"node":"o"}]]}}})");
  EXPECT_EQ(d.at("edges").at(0).at("source_port"), "second");
  EXPECT_EQ(d.at("edges").at(1).at("source_port"), "default");
  EXPECT_EQ(d.at("edges").at(2).at("source_port"), "error");
}

TEST(Definition, RefusesWrongTypesWithTheirPath) {
  const auto made = normalise(parsed(R"({"enabled":"yes","steps":[{"step_id":"a"},
    {"step_id":"b","parameters":[],"depends_on":[1]}]})"));
  ASSERT_FALSE(made);
  EXPECT_EQ(made.error().kind, failure_kind::invalid);
  EXPECT_EQ(made.error().code, "definition_invalid");
  std::vector<std::string> fields;
  for (const auto& e : made.error().node_errors)
    fields.push_back(e.field);
  EXPECT_EQ(fields,
            (std::vector<std::string>{"enabled", "steps[1].parameters", "steps[1].depends_on"}));
  EXPECT_FALSE(normalise(parsed("null")));
}

TEST(GraphView, GivesGraphsBackAsTheyAre) {
  const auto d = stored(R"({"nodes":[{"id":"a","type":"OUTPUT"}]})");
  EXPECT_TRUE(json::same(json::value(to_graph(d)), json::value(d)));
}

TEST(GraphView, ShowsStepsAsNodes) {
  const auto g = to_graph(stored(R"({"steps":[{"step_id":"a","skill_type":"http_request",
    "parameters":{"url":"http://x/"}},{"step_id":"b","skill_type":"mine","depends_on":["a"]}]})"));
  EXPECT_FALSE(g.contains("steps"));
  EXPECT_EQ(g.at("nodes").at(0).at("subtype"), "HTTP_REQUEST");
  EXPECT_EQ(g.at("nodes").at(1).at("type"), "SKILL");
  EXPECT_EQ(g.at("nodes").at(1).at("subtype"), "mine");
  EXPECT_EQ(g.at("edges").at(0).at("source"), "a");
  EXPECT_EQ(g.at("edges").at(0).at("target"), "b");
}

} // namespace
} // namespace troupe::test

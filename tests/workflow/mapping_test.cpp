#include "runtime/workflow/mapping.hpp"

#include "tests/workflow/support.hpp"

namespace troupe::test {
namespace {

struct row {
  const char *mapping, *value, *expected;
};

TEST(Mapping, AppliesEveryKind) {
  const row rows[] = {
      {R"({"type":"DIRECT"})", R"({"a":1})", R"({"a":1})"},
      {R"({"type":"direct"})", "[1]", "[1]"},
      {R"({})", "7", "7"},
      {R"({"type":"TEMPLATE","template":{"x":"Hello {{ $json.name }}","n":"{{ n }}"}})",
       R"({"name":"Ann","n":3})", R"({"x":"Hello Ann","n":3})"},
      {R"({"type":"TRANSFORM","expression":"$json.n + 1"})", R"({"n":2})", "3"},
      {R"({"type":"TRANSFORM","expression":"{{ len($json) }}"})", "[1,2]", "2"},
      {R"({"type":"FIELD_MAPPING","fields":{"x":"a.b","y":"$.list[1]"}})",
       R"({"a":{"b":1},"list":[5,6]})", R"({"x":1,"y":6})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"gone","target":"x"}]})", "{}",
       R"({"x":null})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"gone","target":"x","default":"d"},
          {"source":"n","target":"y","default":9}]})",
       R"({"n":1})", R"({"x":"d","y":1})"},
      {R"({"type":"FIELD_MAPPING","static":{"k":[1]},"fields":[
          {"source_field":"a","target_field":"deep.er.x"},{"source":"b","target":"deep.y"}]})",
       R"({"a":1,"b":2})", R"({"k":[1],"deep":{"er":{"x":1},"y":2}})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"n","target":"t",
          "transform":{"type":"STRING_FORMAT","format":"n={value}, again {}, {o.p}!"}}]})",
       R"({"n":5,"o":{"p":true}})", R"({"t":"n=5, again 5, true!"})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a","target":"t",
          "transform":{"type":"JSON_PATH","path":"$.list[0]['na me']"}}]})",
       R"({"a":{"list":[{"na me":4}]}})", R"({"t":4})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"s","target":"t",
          "transform":{"type":"FUNCTION","name":"upper"}}]})",
       R"({"s":"abc"})", R"({"t":"ABC"})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"n","target":"t",
          "transform":{"type":"FUNCTION","name":"round","args":[1]}}]})",
       R"({"n":2.26})", R"({"t":2.3})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"n","target":"t","transform":
          {"type":"condition","condition":"value > 3 and 'value' != x.value",
           "then":"big","else":"{{ $json.n }}"}}]})",
       R"({"n":5,"x":{"value":1}})", R"({"t":"big"})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"n","target":"t","transform":
          {"type":"CONDITION","condition":"value > 3","then":"big","else":"{{ $json.n }}"}}]})",
       R"({"n":2})", R"({"t":2})"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"n","target":"t","transform":"NONE"}]})",
       R"({"n":[1,{"a":null}]})", R"({"t":[1,{"a":null}]})"},
  };
  for (const auto& r : rows) {
    const auto out = apply_mapping(parsed(r.mapping).as_object(), parsed(r.value));
    ASSERT_TRUE(out) << r.mapping << ": " << out.error().message;
    EXPECT_TRUE(json::same(*out, parsed(r.expected))) << r.mapping << json::write(*out);
  }
}

TEST(Mapping, RefusesWhatItCannotDo) {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"type":"MAGIC"})", "mapping_invalid"},
      {R"({"type":"TEMPLATE"})", "mapping_invalid"},
      {R"({"type":"TEMPLATE","template":"{{ 1 + }}"})", "expression_syntax"},
      {R"({"type":"TRANSFORM"})", "mapping_invalid"},
      {R"({"type":"TRANSFORM","expression":"1 +"})", "expression_syntax"},
      {R"({"type":"FIELD_MAPPING"})", "mapping_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[1]})", "mapping_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a"}]})", "mapping_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a[*]","target":"x"}]})", "mapping_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a..b","target":"x"}]})", "mapping_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a","target":"x",
          "transform":{"type":"NOPE"}}]})",
       "mapping_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a","target":"x",
          "transform":{"type":"FUNCTION","name":"__import__"}}]})",
       "mapping_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a","target":"x",
          "transform":{"type":"REGEX","pattern":"(a+)+$"}}]})",
       "regex_unsupported"},
  };
  for (const auto& [mapping, code] : rows) {
    const auto out = apply_mapping(parsed(mapping).as_object(), parsed("{}"));
    ASSERT_FALSE(out) << mapping;
    EXPECT_EQ(out.error().code, code) << mapping << out.error().message;
    EXPECT_EQ(out.error().kind, failure_kind::invalid);
  }
}

TEST(Mapping, NamesTheWayOutOfRegularExpressions) {
  const auto out = apply_mapping(parsed(R"({"type":"FIELD_MAPPING","fields":[{"source":"a",
    "target":"x","transform":{"type":"REGEX"}}]})")
                                     .as_object(),
                                 parsed("{}"));
  ASSERT_FALSE(out);
  EXPECT_NE(out.error().hint.find("split"), std::string::npos);
}

TEST(Mapping, IsCompiledIntoItsEdge) {
  const auto p = plan_of(R"({"nodes":[{"id":"a","type":"SKILL","subtype":"ECHO"},
    {"id":"b","type":"SKILL","subtype":"ECHO"}],"edges":[{"source":"a","target":"b",
    "mapping":{"type":"FIELD_MAPPING","fields":{"x":"y"}}},{"source":"a","target":"b",
    "mapping":{"type":"DIRECT"}}]})");
  ASSERT_TRUE(p->edges[0].mapping);
  EXPECT_FALSE(p->edges[0].mapping->constant());
  EXPECT_FALSE(p->edges[1].mapping);
}

} // namespace
} // namespace troupe::test

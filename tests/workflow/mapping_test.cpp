#include "runtime/workflow/mapping.hpp"

#include "tests/workflow/support.hpp"

#include <chrono>

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
          "transform":{"type":"REGEX"}}]})",
       "mapping_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a","target":"x",
          "transform":{"type":"REGEX","pattern":"(a"}}]})",
       "regex_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a","target":"x",
          "transform":{"type":"REGEX","pattern":"(a)\\1"}}]})",
       "regex_invalid"},
      {R"({"type":"FIELD_MAPPING","fields":[{"source":"a","target":"x",
          "transform":{"type":"REGEX","pattern":"((a{1000}){1000}){1000}"}}]})",
       "regex_invalid"},
  };
  for (const auto& [mapping, code] : rows) {
    const auto out = apply_mapping(parsed(mapping).as_object(), parsed("{}"));
    ASSERT_FALSE(out) << mapping;
    EXPECT_EQ(out.error().code, code) << mapping << out.error().message;
    EXPECT_EQ(out.error().kind, failure_kind::invalid);
  }
}

/// `value` is the member `s`; `more` are further members of the field.
result<json::value> matched(const std::string& pattern, json::value value,
                            const json::object& more = {}) {
  json::object field{{"source", "s"},
                     {"target", "t"},
                     {"transform", json::object{{"type", "regex"}, {"pattern", pattern}}}};
  for (const auto& [key, v] : more)
    field[key] = v;
  auto out = apply_mapping({{"type", "FIELD_MAPPING"}, {"fields", json::array{field}}},
                           json::object{{"s", std::move(value)}});
  return out ? result<json::value>(out->at("t")) : out;
}

json::value many(std::size_t count, char c, std::string_view end = {}) {
  return json::value(std::string(count, c).append(end));
}

TEST(Mapping, RegexGivesTheFirstGroupOrTheWholeMatch) {
  const struct {
    const char *pattern, *value, *expected;
  } rows[] = {
      {"[0-9]+", R"("order 17 of 23")", R"("17")"},
      {"order ([0-9]+) of ([0-9]+)", R"("order 17 of 23")", R"("17")"},
      {"(?:order )([0-9]+)", R"("order 17")", R"("17")"},
      {"^x", R"("order")", "null"},
      {"a(b)?", R"("a")", "null"},
      {"(b*)", R"("a")", R"("")"},
      {"^$", R"("")", R"("")"},
      {"(?i)ORDER", R"("an Order")", R"("Order")"},
      {"\\p{L}+", R"("12 \u00e9t\u00e9")", R"("\u00e9t\u00e9")"},
      {"\"(.*)\"", R"("say \"hi\"")", R"("hi")"},
      {"}}", R"("{{ x }}")", R"("}}")"},
      {"^1", "17", R"("1")"},
      {"true", "true", R"("true")"},
      {"x", "null", "null"},
  };
  for (const auto& r : rows) {
    const auto out = matched(r.pattern, parsed(r.value));
    ASSERT_TRUE(out) << r.pattern << ": " << out.error().message;
    EXPECT_TRUE(json::same(*out, parsed(r.expected))) << r.pattern << json::write(*out);
  }
  const auto fallback = json::object{{"default", "none"}};
  EXPECT_EQ(json::write(*matched("[0-9]+", "abc", fallback)), "\"none\"");
  EXPECT_EQ(json::write(*matched("[0-9]+", nullptr, fallback)), "\"none\"");
  EXPECT_EQ(json::write(*matched("[0-9]+", "a1", fallback)), "\"1\"");
  EXPECT_EQ(matched("x", json::array{"x"}).error().code, "expression_type");
}

TEST(Mapping, RegexNamesTheFieldOfABadPattern) {
  const auto out = matched("(a", "a");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().code, "regex_invalid");
  EXPECT_NE(out.error().message.find("field \"t\""), std::string::npos) << out.error().message;
  EXPECT_EQ(matched(std::string(1'001, 'a'), "a").error().code, "regex_invalid");
  EXPECT_TRUE(matched(std::string(1'000, 'a'), "a"));
}

TEST(Mapping, RegexNeverBacktracks) {
  const auto began = std::chrono::steady_clock::now();
  const auto out = matched("(a+)+$", many(100'000, 'a', "b"));
  ASSERT_TRUE(out) << out.error().message;
  EXPECT_TRUE(out->is_null());
  EXPECT_EQ(json::write(*matched("(x+x+)+y", many(100'000, 'x'))), "null");
  const auto large = matched("(?:a?){900}b", many(1'000'000, 'a')); // too much for a turn
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, "expression_budget");
  EXPECT_LT(std::chrono::steady_clock::now() - began, std::chrono::seconds(5));
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

#include "tests/expr/support.hpp"

#include <gtest/gtest.h>

namespace troupe::expr {
namespace {

json::object small_roots() {
  return json::parse(R"({"input": {"n": 5, "f": 2.0, "s": "text", "l": [1, {"a": null}],
                         "nil": null, "yes": true}})")
      ->get_object();
}

TEST(Template, KeepsTheTypeOfALoneExpression) {
  const std::pair<const char*, const char*> cases[] = {
      {R"("{{ input.n }}")", "5"},
      {R"("{{input.f}}")", "2.0"},
      {R"("  {{ input.l }} ")", R"([1,{"a":null}])"},
      {R"("{{ input.none }}")", "null"},
      {R"("{{ input.yes }}")", "true"},
      {R"("{{ input.s }}")", R"("text")"},
      {R"("n={{ input.n }}")", R"("n=5")"},
      {R"("{{ input.n }}{{ input.f }}")", R"("52.0")"},
      {R"("[{{ input.nil }}{{ input.none }}]")", R"("[]")"},
      {R"("{{ input.yes }}!")", R"("true!")"},
      {R"("l: {{ input.l }}")", R"("l: [1,{\"a\":null}]")"},
      {R"("{{ 'a}}b' }}")", R"("a}}b")"},
      {R"("x {{ \"}}\" }} y")", R"("x }} y")"},
      {R"("{{ {'a': {'b': 1}} }}")", R"({"a":{"b":1}})"},
      {R"("{{ '{{' }}")", R"("{{")"},
      {R"("a }} b")", R"("a }} b")"},
      {R"("{ {x} }")", R"("{ {x} }")"},
      {R"("")", R"("")"},
      {R"("{{-1}}")", "-1"},
      {R"("{% if x %}")", R"("{% if x %}")"},
      {R"({"a": "{{ input.n }}", "b": [1, "{{ input.s }}", {"c": "<{{ input.s }}>"}],
          "d": {"e": 1}})",
       R"({"a":5,"b":[1,"text",{"c":"<text>"}],"d":{"e":1}})"},
      {R"({"{{ key }}": 1, "v": "{{ input.n }}"})", R"({"{{ key }}":1,"v":5})"},
      {R"(["{{ input.x | default(3) }}", "{{ input.n if input.yes else 0 }}",
          "{{ input.l[0] + 1 }}"])",
       "[3,5,2]"},
      {R"("{{ input.")", "!expression_syntax"},
      {R"("a {{ b")", "!expression_syntax"},
      {R"("{{ }}")", "!expression_syntax"},
      {R"("{{ 'x }}")", "!expression_syntax"},
      {R"(["{{ 1 + 'a' }}"])", "!expression_type"},
      {R"("{{ __import__('os') }}")", "!expression_syntax"},
      {R"("{{ system('ls') }}")", "!expression_name"},
  };
  for (const auto& [source, expected] : cases)
    EXPECT_EQ(rendered(*json::parse(source), small_roots()), expected) << source;
}

TEST(Template, NamesThePlaceOfAFailure) {
  const auto value = *json::parse(R"({"headers": {"X-Id": "{{ 1 + 'a' }}"}, "ok": 1})");
  const auto names = small_roots();
  budget spend;
  EXPECT_TRUE(render(*compile(value), object_names(names), spend)
                  .error()
                  .message.starts_with("headers.X-Id: "));
  const auto nested = *json::parse(R"({"a": [0, [{"b": "x {{ 1 / 0 }}"}]]})");
  EXPECT_TRUE(render(*compile(nested), object_names(names), spend)
                  .error()
                  .message.starts_with("a[1][0].b: "))
      << render(*compile(nested), object_names(names), spend).error().message;
  EXPECT_TRUE(compile(*json::parse(R"({"a": [0, {"b": "{{ ("}]})"))
                  .error()
                  .message.starts_with("a[1].b: "));
  EXPECT_TRUE(compile(*json::parse(R"([["{{ ("]])")).error().message.starts_with("[0][0]: "));
}

TEST(Template, ConstantsCostNothing) {
  const auto value = *json::parse(R"({"a": [1, 2, {"b": "text"}]})");
  const auto t = compile(value);
  ASSERT_TRUE(t);
  EXPECT_TRUE(t->constant());
  budget none{0, 0, 0};
  const auto names = small_roots();
  EXPECT_TRUE(json::same(*render(*t, object_names(names), none), value));
  EXPECT_TRUE(json_template().constant());
  EXPECT_TRUE(render(json_template(), object_names(names), none)->is_null());
}

TEST(Template, ListsThePathsOfAllItsExpressions) {
  const auto t = compile(
      *json::parse(R"(["{{ steps.a.output }} and {{ input.n }}", {"x": "{{ input.n }}"}])"));
  const std::vector<std::vector<std::string>> expected = {{"steps", "a", "output"}, {"input", "n"}};
  EXPECT_EQ(t->paths(), expected);
  EXPECT_FALSE(t->constant());
}

TEST(Template, OutlivesItsSourceAndCanBeCopied) {
  json_template copy;
  {
    auto value = *json::parse(R"({"a": "{{ input.n }}", "b": [true]})");
    const auto t = compile(value);
    copy = *t;
  }
  const auto names = small_roots();
  budget spend;
  EXPECT_EQ(outcome(render(copy, object_names(names), spend)), R"({"a":5,"b":[true]})");
}

} // namespace
} // namespace troupe::expr

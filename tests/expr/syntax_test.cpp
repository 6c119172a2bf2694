#include "tests/expr/support.hpp"

#include <gtest/gtest.h>

namespace troupe::expr {
namespace {

TEST(Expression, KeepsTheNamesOutOfReach) {
  run(std::to_array<row>({
      {"__import__('os')", "!expression_syntax"},
      {"''.__class__", "!expression_syntax"},
      {"input['__class__']", "!expression_syntax"},
      {"input.a__b", "!expression_syntax"},
      {"open('x')", "!expression_name"},
      {"eval('1')", "!expression_name"},
      {"input.s.format(1)", "!expression_name"},
      {"input.s | unheard", "!expression_name"},
      {"lambda: 1", "!expression_syntax"},
      {"[x for x in y]", "!expression_syntax"},
      {"input.n = 5", "!expression_syntax"},
      {"map('upper')", "!expression_name"},
      {"input.f()()", "!expression_name"},
      {"(1)(2)", "!expression_syntax"},
  }));
}

TEST(Expression, RefusesWrongSyntaxWithTheColumn) {
  for (const char* text : {"",
                           " ",
                           "{{ }}",
                           "1 +",
                           "+ ",
                           "(1",
                           "1)",
                           "[1",
                           "{'a' 1}",
                           "{'a': }",
                           "'open",
                           "\"open",
                           "1 2",
                           "a b",
                           "a.",
                           "a[",
                           "a[]",
                           "a..b",
                           "a[1",
                           "1.2.3",
                           "5x",
                           "a |",
                           "a | 5",
                           "a is",
                           "a is not",
                           "not",
                           "if",
                           "1 if",
                           "1 if true else",
                           "a.1.5x",
                           "a[1:2:3:4]",
                           "len(",
                           "len(1, 2)",
                           "len(x=1)",
                           "default(value=1, 2)",
                           "x | default(value=1)",
                           "\"\\u12\"",
                           "\"\\ud800\"",
                           "\"\\ud800\\u0041\"",
                           "1e999",
                           "a ? b : c",
                           "a && b",
                           "!a",
                           "a; b",
                           "#",
                           "@",
                           "{{ a",
                           "{{ a }} b",
                           "a }}",
                           "\xff",
                           "'\xff'",
                           "and",
                           "1 and",
                           "1 not 2",
                           "dict(a=1, 2)",
                           "a = b",
                           "x[__a]",
                           "`a`",
                           "a\\b"}) {
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "expression_syntax") << text;
    EXPECT_EQ(parsed.error().kind, failure_kind::invalid);
    EXPECT_NE(parsed.error().message.find("column "), std::string::npos) << text;
  }
  EXPECT_NE(parse("1 + \u00e9 $ @").error().message.find("column 9"), std::string::npos)
      << parse("1 + \u00e9 $ @").error().message;
  EXPECT_NE(parse("  {{ a @ }}").error().message.find("column 8"), std::string::npos);
}

TEST(Expression, ListsItsPaths) {
  const auto e = parse("steps.a.output.items[0].x + steps['b'].n + len(vars.l[i].k) + "
                       "(steps.a.output.items[0].x) ~ input.s.upper()");
  ASSERT_TRUE(e);
  const std::vector<std::vector<std::string>> expected = {
      {"steps", "a", "output", "items", "0", "x"},
      {"steps", "b", "n"},
      {"vars", "l"},
      {"i"},
      {"input", "s"}};
  EXPECT_EQ(e->paths(), expected);
  EXPECT_EQ(parse("isinstance(x, int)")->paths().size(), 1U);
}

/// Answers two segments at once and refuses `broken`.
class eager_names final : public names {
public:
  result<found> resolve(std::span<const std::string_view> path) const override {
    asked.emplace_back(path.begin(), path.end());
    if (path[0] == "broken")
      return failure{
          failure_kind::unavailable, "blob_missing", "a blob could not be loaded", {}, {}};
    if (path.size() < 2)
      return found{};
    found f;
    f.keep = share(*json::parse(R"({"list": [1, {"x": "kept"}]})"));
    f.at = f.keep.get();
    f.consumed = 2;
    return f;
  }
  mutable std::vector<std::vector<std::string>> asked;
};

TEST(Expression, AsksOnceWithTheLongestPath) {
  const eager_names scope;
  budget spend;
  const auto r = evaluate(*parse("steps.a.list[1].x ~ steps.b.list[-1].x"), scope, spend);
  EXPECT_EQ(outcome(r), R"("keptkept")");
  const std::vector<std::vector<std::string>> expected = {{"steps", "a", "list", "1", "x"},
                                                          {"steps", "b", "list"}};
  EXPECT_EQ(scope.asked, expected);
  EXPECT_EQ(outcome(evaluate(*parse("1 + broken.x"), scope, spend)), "!blob_missing");
  EXPECT_EQ(outcome(evaluate(*parse("true or broken.x"), scope, spend)), "true");
}

TEST(Expression, GivesTheTruthOfConditions) {
  const object_names scope(roots());
  budget spend;
  EXPECT_TRUE(*evaluate_condition(*parse("{{ steps.a.status == 'success' and input.n in [5] }}"),
                                  scope, spend));
  EXPECT_FALSE(*evaluate_condition(*parse("input.e"), scope, spend));
  EXPECT_EQ(evaluate_condition(*parse("input.n > 'a'"), scope, spend).error().code,
            "expression_type");
}

} // namespace
} // namespace troupe::expr

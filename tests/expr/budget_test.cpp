// What a hostile author may try: everything ends, fast and without much memory.
#include "tests/expr/support.hpp"

#include "runtime/base/prng.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <ctime>
#include <sys/resource.h>

namespace troupe::expr {
namespace {

std::string repeated(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i)
    out += piece;
  return out;
}

long peak_kilobytes() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return usage.ru_maxrss;
}

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
constexpr int slower = 20;
#else
constexpr int slower = 1;
#endif

TEST(Budget, EndsEveryAttackFast) {
  json::object roots;
  roots["large"] = json::string(std::string(2'000'000, 'a'));
  roots["needle"] = json::string(std::string(500'000, 'a') + "b");
  json::array numbers;
  for (int i = 0; i < 50'000; ++i)
    numbers.emplace_back(i);
  roots["numbers"] = numbers;
  const std::string half_open = repeated("range(99)|map('string')|", 5) + "list";
  const std::pair<std::string, const char*> attacks[] = {
      {"'a' * 10 ** 9", "!expression_budget"},
      {"1000000000 * 'abc'", "!expression_budget"},
      {"'a' * 9223372036854775807", "!expression_budget"},
      {"[0] * 10 ** 12", "!expression_budget"},
      {"[[0] * 1000] * 1000 * 1000", "!expression_budget"},
      {"'abcd' * 1000 * 1000 * 1000", "!expression_budget"},
      {"range(10 ** 9)", "!expression_budget"},
      {"range(-9223372036854775807, 9223372036854775807)", "!expression_budget"},
      {"range(100000) | map('string') | join(',')", "!expression_budget"},
      {"range(90000) | join('" + std::string(1000, 'x') + "')", "!expression_budget"},
      {"(large ~ large ~ large) | length", "!expression_budget"},
      {"large.replace('a', 'bbbbbbbbbbbbbbbbbbbb')", "!expression_budget"},
      {"large.split('a') | length", "!expression_budget"},
      {"list(large) | length", "!expression_budget"},
      {"numbers == numbers and numbers == numbers and numbers == numbers", "!expression_budget"},
      {"numbers | sort | sort", "!expression_budget"},
      {"numbers | unique | length", "!expression_budget"},
      {"zip(numbers, numbers, numbers)", "!expression_budget"},
      {"numbers | select('in', numbers)", "!expression_budget"},
      {"numbers | batch(1)", "!expression_budget"},
      {"[1] | batch(10 ** 12, 0)", "!expression_budget"},
      {"[1] | slice(10 ** 12)", "!expression_budget"},
      {"numbers | sum(start=0) + (numbers | sum) + (numbers | sum)", "!expression_budget"},
      {repeated("(numbers | sum) + ", 10) + "1", "!expression_budget"},
      {half_open, nullptr},
      {"needle in large", "false"},
      {"large.count(needle)", "0"},
      {"2 ** 9223372036854775807", "!expression_value"},
      {"(-1) ** 9223372036854775807", "-1"},
      {"9 ** 9 ** 9 ** 9", "!expression_value"},
      {repeated("[", 60) + repeated("]", 60), nullptr},
      {repeated("(", 500) + "1" + repeated(")", 500), "!expression_syntax"},
      {repeated("[", 5000), "!expression_syntax"},
      {repeated("-", 5000) + "1", "!expression_syntax"},
      {repeated("{'a':", 3000), "!expression_syntax"},
      {repeated("2**", 3000) + "2", "!expression_syntax"},
      {repeated("not ", 3000) + "1", "true"},
      {repeated("1+", 5000) + "1", "5001"},
      {repeated("1 if 0 else ", 1000) + "2", "2"},
      {repeated("0 or ", 3000) + "7", "7"},
      {"x" + repeated(".a", 5000), "null"},
      {"x" + repeated("[-1]", 3000), "!expression_syntax"},
      {"1" + repeated("|string", 2000), "!expression_syntax"},
      {"'" + std::string(17'000, 'x') + "'", "!expression_syntax"},
      {"{{" + repeated("{{", 8000), "!expression_syntax"},
      {"'" + repeated("[", 16'000) + "' | fromjson", "!expression_value"},
      {"[1] | map(" + repeated("'map',", 2000) + "'string')", nullptr},
      {"large | truncate(1000000, true) | b64encode | urlencode", nullptr},
      {"large | title | upper | title", "!expression_budget"},
  };
  for (const auto& [text, expected] : attacks) {
    const std::clock_t start = std::clock(); // processor time: others may be busy
    const std::string got = evaluated(text, roots);
    const double took = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
    EXPECT_LT(took, 0.050 * slower) << text.substr(0, 80);
    if (expected != nullptr) {
      EXPECT_EQ(got.substr(0, 100), expected) << text.substr(0, 80);
    }
  }
  EXPECT_LT(peak_kilobytes(), 400'000L * slower);
}

TEST(Budget, IsExact) {
  const auto e = parse("1 + 2 + 3");
  const json::object none;
  budget spend;
  ASSERT_TRUE(evaluate(*e, object_names(none), spend));
  const std::uint64_t used = budget().operations - spend.operations;
  budget enough{used, 100, 10};
  EXPECT_TRUE(evaluate(*e, object_names(none), enough));
  EXPECT_EQ(enough.operations, 0U);
  budget short_by_one{used - 1, 100, 10};
  EXPECT_EQ(evaluate(*e, object_names(none), short_by_one).error().code, "expression_budget");
  budget bytes{1000, 5, 10};
  EXPECT_EQ(evaluated("'abc' ~ 'def'", {}, bytes), "!expression_budget");
  bytes.output_bytes = 6;
  EXPECT_EQ(evaluated("'abc' ~ 'def'", {}, bytes), R"("abcdef")");
  EXPECT_EQ(evaluated("[[[1]]]", {}, {1000, 1000, 3}), "!expression_budget");
  EXPECT_EQ(evaluated("[[[1]]]", {}, {1000, 1000, 4}), "[[[1]]]");
}

TEST(Budget, IsSharedByTheEvaluationsOfATurn) {
  const auto e = parse("'abc' * 100");
  const json::object none;
  budget spend;
  spend.output_bytes = 500;
  EXPECT_TRUE(evaluate(*e, object_names(none), spend));
  EXPECT_FALSE(evaluate(*e, object_names(none), spend));
}

TEST(Budget, BoundsTheNestingOfResults) {
  json::value deep = 1;
  for (int i = 0; i < 64; ++i)
    deep = json::array{std::move(deep)};
  json::object roots{{"deep", deep}};
  EXPECT_EQ(evaluated("deep | length", roots), "1");
  EXPECT_NE(evaluated("deep", roots), "!expression_budget");
  EXPECT_EQ(evaluated("[deep]", roots), "!expression_budget");
  EXPECT_EQ(rendered(*json::parse(R"({"x": ["{{ deep }}"]})"), roots), "!expression_budget");
}

TEST(Budget, ReadingAPathCopiesOnlyWhatIsTaken) {
  json::object roots{{"x", json::object{{"large", std::string(10'000'000, 'a')}, {"n", 1}}}};
  EXPECT_EQ(evaluated("x.n + 1", roots), "2");
  EXPECT_EQ(evaluated("x.large is string", roots), "true");
  EXPECT_EQ(evaluated("x", roots), "!expression_budget");
}

TEST(Parse, SurvivesAnyBytes) {
  rc::check("random bytes", [](const std::string& text) {
    if (const auto e = parse(text)) {
      const json::object none;
      budget spend;
      (void)evaluate(*e, object_names(none), spend);
    }
    (void)compile(json::value(text));
  });
}

TEST(Parse, SurvivesTokenSoup) {
  static constexpr std::string_view words[] = {
      "(",        ")",       "[",     "]",       "{",      "}",    "{{",
      "}}",       ",",       ":",     ".",       "|",      "+",    "-",
      "*",        "**",      "/",     "//",      "%",      "~",    "==",
      "<",        "in",      "not",   "and",     "or",     "if",   "else",
      "is",       "x",       "x.y",   "$json",   "1",      "2.5",  "'a'",
      "\"b\"",    "none",    "true",  "len(",    "range(", "sort", "map('upper')",
      "default(", "defined", "upper", "items()", "get(",   "=",    "attribute="};
  const std::uint64_t seed = 42;
  prng random(seed);
  const json::object roots{{"x", json::object{{"y", json::array{1, "a", nullptr}}}}};
  std::size_t valid = 0;
  for (int round = 0; round < 200'000; ++round) {
    std::string text;
    for (std::uint64_t n = 1 + random.below(12); n > 0; --n) {
      text += words[random.below(std::size(words))];
      text += ' ';
    }
    const auto e = parse(text);
    if (!e)
      continue;
    ++valid;
    budget spend{2'000, 20'000, 64};
    const auto r = evaluate(*e, object_names(roots), spend);
    if (r) {
      ASSERT_TRUE(json::same(*json::parse(json::write(*r)), *r)) << text << " seed " << seed;
    } else {
      ASSERT_TRUE(r.error().code.starts_with("expression_")) << text << " seed " << seed;
    }
  }
  EXPECT_GT(valid, 1'000U); // else the soup tests nothing
}

TEST(Template, GivesConstantsBack) {
  rc::check("render of a constant", [](const std::string& text, std::int64_t number) {
    json::value source = json::object{{"n", number}, {"l", json::array{nullptr, true}}};
    if (text.find("{{") == std::string::npos)
      source.get_object()["t"] = json::string(text);
    const auto t = compile(source);
    RC_ASSERT(t.has_value());
    budget spend;
    const json::object none;
    RC_ASSERT(json::same(*render(*t, object_names(none), spend), source));
  });
}

} // namespace
} // namespace troupe::expr

#include "runtime/base/json.hpp"
#include "runtime/base/prng.hpp"

#include <gtest/gtest.h>
#include <rapidcheck.h>

#include <bit>
#include <cmath>
#include <cstdlib>

namespace troupe::json {
namespace {

TEST(JsonWrite, GivesTheShortestTextOfADouble) {
  const std::pair<double, const char*> cases[] = {
      {0.1, "0.1"},       {2.0, "2.0"},
      {-0.0, "-0.0"},     {1e300, "1e+300"},
      {1e21, "1e+21"},    {1e-7, "1e-07"},
      {0.0001, "0.0001"}, {123456789012345.0, "123456789012345.0"},
      {1e16, "1e+16"},    {-1e5, "-100000.0"},
      {5e-324, "5e-324"}, {100000, "100000.0"},
      {1.5, "1.5"}};
  for (const auto& [number, text] : cases) {
    std::string out;
    write_number(out, number);
    EXPECT_EQ(out, text);
  }
}

/// TROUPE_LONG=1 asks for the ten million of RELIABILITY.
TEST(JsonWrite, KeepsRandomDoublesToTheLastBit) {
  const std::uint64_t count = std::getenv("TROUPE_LONG") != nullptr ? 10'000'000 : 1'000'000;
  const std::uint64_t seed = 20240607;
  prng random(seed);
  std::string text;
  for (std::uint64_t i = 0; i < count; ++i) {
    // Half from all bit patterns, half from the range people use.
    double number = std::bit_cast<double>(random.next());
    if (i % 2 == 0 || !std::isfinite(number))
      number = random.unit() * 1000;
    text.clear();
    write(text, value(number));
    const auto again = parse(text);
    ASSERT_TRUE(again) << text << " seed " << seed;
    ASSERT_TRUE(again->is_double()) << text;
    ASSERT_EQ(std::bit_cast<std::uint64_t>(again->get_double()),
              std::bit_cast<std::uint64_t>(number))
        << text << " seed " << seed;
  }
}

TEST(JsonWrite, EscapesWhatMustBeEscaped) {
  const std::pair<std::string, const char*> cases[] = {
      {"", R"("")"},
      {"a\"b\\c/d", R"("a\"b\\c/d")"},
      {std::string("\b\f\n\r\t\0\x1f\x7f", 8), "\"\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\""},
      {"h\u00e9 \u4e2d \U0001F600", "\"h\u00e9 \u4e2d \U0001F600\""},
      {"a\xff z", "\"a\xEF\xBF\xBD z\""},
      {"\xed\xa0\x80", "\"\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"cut \xe4\xb8", "\"cut \xEF\xBF\xBD\xEF\xBF\xBD\""},
      {"0123456\"01234567\n", R"("0123456\"01234567\n")"},
  };
  for (const auto& [text, expected] : cases) {
    std::string out;
    write_string(out, text);
    EXPECT_EQ(out, expected);
    EXPECT_TRUE(parse(out)) << out;
  }
}

TEST(JsonWrite, IndentsForHumans) {
  EXPECT_EQ(
      write_pretty(*parse(R"({"a":[1,{}],"b":{"c":null},"d":[]})")),
      "{\n  \"a\": [\n    1,\n    {}\n  ],\n  \"b\": {\n    \"c\": null\n  },\n  \"d\": []\n}");
}

TEST(JsonWrite, StopsCountingBehindTheCap) {
  array large;
  for (int i = 0; i < 100'000; ++i)
    large.emplace_back("0123456789");
  EXPECT_EQ(written_size(large), write(large).size());
  EXPECT_GT(written_size(large, 100), 100U);
  EXPECT_LT(written_size(large, 100), 200U);
}

TEST(JsonCompare, DistinguishesWhatTheTextDistinguishes) {
  EXPECT_FALSE(same(value(1), value(1.0)));
  EXPECT_FALSE(same(value(0.0), value(-0.0)));
  EXPECT_FALSE(same(value(nullptr), value(false)));
  EXPECT_FALSE(same(*parse("[1,2]"), *parse("[2,1]")));
  EXPECT_FALSE(same(*parse(R"({"a":1})"), *parse(R"({"b":1})")));
  EXPECT_TRUE(same(value(std::int64_t{7}), value(std::uint64_t{7})));
  EXPECT_FALSE(same(value(std::int64_t{-1}), value(~std::uint64_t{0})));
  EXPECT_TRUE(same(*parse(R"({"a":1,"b":[true]})"), *parse(R"({"b":[true],"a":1})")));
}

TEST(JsonCompare, FindsMembers) {
  const auto v = *parse(R"({"a":"x","n":1})");
  EXPECT_EQ(text_or(v, "a", "-"), "x");
  EXPECT_EQ(text_or(v, "n", "-"), "-");
  EXPECT_EQ(text_or(v, "none", "-"), "-");
  EXPECT_EQ(find(value(1), "a"), nullptr);
  EXPECT_NE(find(v, "n"), nullptr);
}

value random_value(prng& random, int depth) {
  switch (random.below(depth > 0 ? 8 : 6)) {
  case 0: return nullptr;
  case 1: return random.below(2) == 0;
  case 2: return static_cast<std::int64_t>(random.next());
  case 3: return random.unit() * 1e6 - 5e5;
  case 4: return random.next() | std::uint64_t{1} << 63;
  case 5: {
    static constexpr std::string_view pieces[] = {"a",      "\"",         "\\", "\n",
                                                  "\u00e9", "\U0001F600", "{",  "\x01"};
    std::string text;
    for (std::uint64_t n = random.below(12); n > 0; --n)
      text += pieces[random.below(std::size(pieces))];
    return value(text);
  }
  case 6: {
    array elements;
    for (std::uint64_t n = random.below(5); n > 0; --n)
      elements.push_back(random_value(random, depth - 1));
    return elements;
  }
  default: {
    object members;
    for (std::uint64_t n = random.below(25); n > 0; --n)
      members[std::to_string(random.below(1000))] = random_value(random, depth - 1);
    return members;
  }
  }
}

TEST(JsonWrite, IsReadBackAsTheSameValue) {
  rc::check("write, parse, same, size", [](std::uint64_t seed) {
    prng random(seed);
    const value v = random_value(random, 4);
    const std::string text = write(v);
    const auto again = parse(text);
    RC_ASSERT(again.has_value());
    RC_ASSERT(same(v, *again));
    RC_ASSERT(write(*again) == text);
    RC_ASSERT(written_size(v) == text.size());
    const auto pretty = parse(write_pretty(v));
    RC_ASSERT(pretty.has_value() && same(v, *pretty));
  });
}

} // namespace
} // namespace troupe::json

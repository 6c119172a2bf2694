#include "runtime/base/json.hpp"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace troupe::json {
namespace {

using std::string_literals::operator""s;

std::string repeated(std::string_view piece, std::size_t times) {
  std::string out;
  for (std::size_t i = 0; i < times; ++i)
    out += piece;
  return out;
}

TEST(JsonParse, AcceptsWhatTheStandardAccepts) {
  // Text and what writing it again must give; the cases follow JSONTestSuite's y_ files.
  const std::pair<std::string, std::string> cases[] = {
      {"[[]   ]", "[[]]"},
      {"[\"\"]", "[\"\"]"},
      {"[]", "[]"},
      {"[false]", "[false]"},
      {"[null, 1, \"1\", {}]", R"([null,1,"1",{}])"},
      {"[1\n]", "[1]"},
      {" [1]", "[1]"},
      {"[1,null,null,null,2]", "[1,null,null,null,2]"},
      {"[2] ", "[2]"},
      {"[123e65]", "[1.23e+67]"},
      {"[0e+1]", "[0.0]"},
      {"[0e1]", "[0.0]"},
      {"[ 4]", "[4]"},
      {"[-0.000000000000000000000000000000000000000000000000000000000000000000000000000001]",
       "[-1e-78]"},
      {"[20e1]", "[200.0]"},
      {"[-0]", "[-0.0]"},
      {"[-123]", "[-123]"},
      {"[-1]", "[-1]"},
      {"[1E22]", "[1e+22]"},
      {"[1E-2]", "[0.01]"},
      {"[1E+2]", "[100.0]"},
      {"[123e45]", "[1.23e+47]"},
      {"[123.456e78]", "[1.23456e+80]"},
      {"[123.456789]", "[123.456789]"},
      {R"({"asd":"sdf", "dfg":"fgh"})", R"({"asd":"sdf","dfg":"fgh"})"},
      {R"({"":0})", R"({"":0})"},
      {R"({"foo\u0000bar": 42})", R"({"foo\u0000bar":42})"},
      {"{\"a\":[]}", "{\"a\":[]}"},
      {"{\n\"a\": \"b\"\n}", R"({"a":"b"})"},
      {R"(["\u0060\u012a\u12AB"])", "[\"`\u012a\u12ab\"]"},
      {R"(["\uD801\udc37"])", "[\"\U00010437\"]"},
      {R"(["\"\\\/\b\f\n\r\t"])", R"(["\"\\/\b\f\n\r\t"])"},
      {R"(["\\u0000"])", R"(["\\u0000"])"},
      {R"(["a/*b*/c/*d//e"])", R"(["a/*b*/c/*d//e"])"},
      {R"(["\\a"])", R"(["\\a"])"},
      {R"(["\u0012"])", R"(["\u0012"])"},
      {"[\"\uFFFF\"]", "[\"\uFFFF\"]"},
      {"[\"\U0010FFFF\"]", "[\"\U0010FFFF\"]"},
      {"[\"\u2028\u2029\x7f\"]", "[\"\u2028\u2029\x7f\"]"},
      {R"(["\u0022\u005C"])", R"(["\"\\"])"},
      {"\"\"", "\"\""},
      {"false", "false"},
      {"42", "42"},
      {"-0.1", "-0.1"},
      {"null", "null"},
      {"\"asd\"", "\"asd\""},
      {"true", "true"},
      {"[\"a\"]\n", "[\"a\"]"},
      {"\t\r\n [] \t\r\n", "[]"},
      {"9223372036854775807", "9223372036854775807"},
      {"-9223372036854775808", "-9223372036854775808"},
      {"9223372036854775808", "9223372036854775808"},
      {"18446744073709551615", "18446744073709551615"},
      {"18446744073709551616", "1.8446744073709552e+19"},
      {"-9223372036854775809", "-9.223372036854776e+18"},
      {"1e-400", "0.0"},
      {"-1e-400", "-0.0"},
      {"5e-324", "5e-324"},
      {"1.7976931348623157e308", "1.7976931348623157e+308"},
      {"0." + repeated("0", 400) + "1e401", "1.0"},
      {R"({"k\u0061":1,"kb":2})", R"({"ka":1,"kb":2})"},
  };
  for (const auto& [text, again] : cases) {
    const auto parsed = parse(text);
    ASSERT_TRUE(parsed) << text << ": " << parsed.error().message;
    EXPECT_EQ(write(*parsed), again) << text;
    const auto reparsed = parse(write(*parsed));
    ASSERT_TRUE(reparsed) << text;
    EXPECT_TRUE(same(*parsed, *reparsed)) << text;
  }
}

TEST(JsonParse, RefusesWhatTheStandardRefuses) {
  // The cases follow JSONTestSuite's n_ files.
  const std::string cases[] = {
      "[1 true]",
      "[a\xe5]",
      "[\"\": 1]",
      "[\"\"],",
      "[,1]",
      "[1,,2]",
      "[\"x\",,]",
      "[\"x\"]]",
      "[\"\",]",
      "[\"x\"",
      "[x",
      "[3[4]]",
      "[\xff]",
      "[1:2]",
      "[,]",
      "[-]",
      "[   , \"\"]",
      "[\"a\",\n4\n,1,",
      "[1,]",
      "[1,\n1\n,1",
      "[\"\va\"\\f]",
      "[*]",
      "[\"\"",
      "[1,",
      "[{}",
      "[fals]",
      "[nul]",
      "[tru]",
      "123\0"s,
      "[++1234]",
      "[+1]",
      "[+Inf]",
      "[-01]",
      "[-1.0.]",
      "[-2.]",
      "[-NaN]",
      "[.-1]",
      "[.2e-3]",
      "[0.1.2]",
      "[0.3e+]",
      "[0.3e]",
      "[0.e1]",
      "[0E+]",
      "[0E]",
      "[0e+]",
      "[0e]",
      "[1.0e+]",
      "[1.0e-]",
      "[1.0e]",
      "[1 000.0]",
      "[1eE2]",
      "[2.e+3]",
      "[2.e-3]",
      "[2.e3]",
      "[9.e+]",
      "[Inf]",
      "[NaN]",
      "[\xef\xbc\x91]",
      "[1+2]",
      "[0x1]",
      "[0x42]",
      "[Infinity]",
      "[0e+-1]",
      "[-123.123foo]",
      "[123\xe5]",
      "[1e1\xe5]",
      "[0\xe5]",
      "[-Infinity]",
      "[-foo]",
      "[- 1]",
      "[-012]",
      "[-.123]",
      "[-1x]",
      "[1ea]",
      "[1e\xe5]",
      "[1.]",
      "[.123]",
      "[1.2a-3]",
      "[1.8011670033376514H-308]",
      "[012]",
      "[\"x\", truth]",
      "{[: \"x\"}",
      "{\"x\", null}",
      "{\"x\"::\"b\"}",
      "{\xf0\x9f\x87\xa8}",
      "{\"a\":\"a\" 123}",
      "{key: 'v'}",
      "{\"a\" b}",
      "{:\"b\"}",
      "{\"a\" \"b\"}",
      "{\"a\":",
      "{\"a\"",
      "{1:1}",
      "{9999E9999:1}",
      "{null:null,null:null}",
      "{\"id\":0,,,,,}",
      "{'a':0}",
      "{\"id\":0,}",
      "{\"a\":\"b\"}/**/",
      "{\"a\":\"b\"}/**//",
      "{\"a\":\"b\"}//",
      "{\"a\":\"b\"}/",
      "{\"a\":\"b\",,\"c\":\"d\"}",
      "{a: \"b\"}",
      "{\"a\":\"a",
      "{ \"foo\" : \"bar\", \"a\" }",
      "{\"a\":\"b\"}#",
      " ",
      "[\"\\uD800\\\"]",
      "[\"\\uD800\\u\"]",
      "[\"\\uD800\\u1\"]",
      "[\"\\uD800\\u1x\"]",
      "[\xc3\xa9]",
      "[\"\\x00\"]",
      "[\"\\\\\\\"]",
      "[\"\\\t\"]",
      "[\"\\\xf0\x9f\x8c\x80\"]",
      "[\"\\\"]",
      "[\"\\u00A\"]",
      "[\"\\uD834\\Dd\"]",
      "[\"\\uD800\\uD800\\x\"]",
      "[\"\\u\xe5\"]",
      "[\"\\a\"]",
      "[\"\\uqqqq\"]",
      "[\"\\\xe5\"]",
      "[\\u0020\"asd\"]",
      "[\\n]",
      "\"",
      "['single quote']",
      "abc",
      "[\"\\",
      "[\"a\0a\"]"s,
      "[\"new\nline\"]",
      "[\"\t\"]",
      "\"\\UA66D\"",
      "\"\"x",
      "<.>",
      "[<null>]",
      "[1]x",
      "[1]]",
      "[\"asd]",
      "a\xc3\xa5",
      "[True]",
      "1]",
      "{\"x\": true,",
      "[][]",
      "]",
      "\xef\xbb\xbf{}",
      "\xef\xbb",
      "\xe5",
      "[",
      "",
      "[\0]"s,
      "2@",
      "{}}",
      "{\"\":",
      "{\"a\":/*c*/\"b\"}",
      "{\"a\": true} \"x\"",
      "['",
      "[,",
      "[{",
      "[\"a",
      "[\"a\"",
      "{",
      "{]",
      "{,",
      "{[",
      "{\"a",
      "{'a'",
      "[\"\\{[\"\\{[\"\\{[\"\\{",
      "\xc3\xa9",
      "*",
      "{\"a\":\"b\"}#{}",
      "[\\u000A\"\"]",
      "[1",
      "[ false, nul",
      "[ true, fals",
      "[ false, tru",
      "{\"asd\":\"asd\"",
      "[\xe2\x81\xa0]",
      "\f[]",
      "[\f]",
      // Unicode: lone surrogates, bad UTF-8
      "[\"\\uD800\"]",
      "[\"\\uDADA\"]",
      "[\"\\uDFAA\"]",
      "[\"\\uDd1e\\uD834\"]",
      "[\"\\uD888\\u1234\"]",
      "[\"\\uD800\\n\"]",
      "[\"\xff\"]",
      "[\"\xc0\xaf\"]",
      "[\"\xe0\x80\xaf\"]",
      "[\"\xf4\xbf\xbf\xbf\"]",
      "[\"\xed\xa0\x80\"]",
      "[\"\x81\"]",
      "[\"\xe6\x97\"]",
      "[\"\xfc\x83\xbf\xbf\xbf\xbf\"]",
      "{\"\xff\":1}",
      "{\"\\uD800\":1}",
      // UTF-16
      "\xff\xfe[\0\"\0\xe9\0\"\0]\0"s,
      "\0[\0\"\0\xe9\0\"\0]"s,
  };
  for (const std::string& text : cases) {
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed) << "accepted: " << text;
    EXPECT_EQ(parsed.error().kind, failure_kind::malformed) << text;
    EXPECT_NE(parsed.error().message.find("at byte "), std::string::npos) << text;
  }
}

TEST(JsonParse, RefusesDuplicateKeysAtEveryLevelAndSize) {
  for (const std::string text :
       {R"({"a":1,"a":1})", R"([{"b":{"a":1,"c":2,"a":3}}])", R"({"a":1,"\u0061":2})"}) {
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "json_duplicate_key");
    EXPECT_NE(parsed.error().message.find("\"a\""), std::string::npos);
  }
  std::string large = "{";
  for (int i = 0; i < 1000; ++i)
    large += "\"k" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  EXPECT_TRUE(parse(large + "\"last\":0}"));
  EXPECT_EQ(parse(large + "\"k7\":0}").error().code, "json_duplicate_key");
  EXPECT_TRUE(parse(R"([{"a":1},{"a":1}])"));
  EXPECT_TRUE(parse(R"({"a":{"a":{"a":1}}})"));
}

TEST(JsonParse, RefusesNumbersThatOverflow) {
  for (const char* text :
       {"1e400", "-1e400", "[1e309]", "1.7976931348623159e308", "1e99999999999", "123123e100000",
        "0.4e00669999999999999999999999999999999999999999999"}) {
    const auto parsed = parse(text);
    ASSERT_FALSE(parsed) << text;
    EXPECT_EQ(parsed.error().code, "json_number") << text;
  }
  EXPECT_FALSE(parse(repeated("9", 400)));
}

TEST(JsonParse, KeepsTheKindOfNumbers) {
  EXPECT_TRUE(parse("1")->is_int64());
  EXPECT_TRUE(parse("9223372036854775808")->is_uint64());
  EXPECT_TRUE(parse("1.0")->is_double());
  EXPECT_TRUE(parse("1e2")->is_double());
  ASSERT_TRUE(parse("-0")->is_double());
  EXPECT_TRUE(std::signbit(parse("-0")->get_double()));
  EXPECT_EQ(parse("-9223372036854775808")->get_int64(), std::numeric_limits<std::int64_t>::min());
  EXPECT_EQ(parse("-9223372036854775809")->get_double(), -9223372036854775808.0);
}

TEST(JsonParse, HoldsItsLimits) {
  EXPECT_TRUE(parse(repeated("[", 64) + repeated("]", 64)));
  const auto deep = parse(repeated("[", 65) + repeated("]", 65));
  ASSERT_FALSE(deep);
  EXPECT_EQ(deep.error().code, "json_too_deep");
  EXPECT_EQ(deep.error().kind, failure_kind::malformed);
  EXPECT_EQ(parse(repeated("[", 1'000'000)).error().code, "json_too_deep");
  EXPECT_EQ(parse(repeated("{\"a\":", 1'000'000)).error().code, "json_too_deep");
  EXPECT_TRUE(parse("[[1]]", {.depth_max = 2}));
  EXPECT_FALSE(parse("[[1]]", {.depth_max = 1}));
  const auto large = parse("[1,2,3]", {.bytes_max = 6});
  ASSERT_FALSE(large);
  EXPECT_EQ(large.error().code, "json_too_large");
  EXPECT_EQ(large.error().kind, failure_kind::too_large);
}

TEST(JsonParse, NamesTheOffset) {
  EXPECT_NE(parse("[1, x]").error().message.find("at byte 4"), std::string::npos);
  EXPECT_NE(parse("[1] x").error().message.find("at byte 4"), std::string::npos);
  EXPECT_NE(parse("[1").error().message.find("at byte 2"), std::string::npos);
}

TEST(JsonParse, ReadsLongStringsWithEscapesInEveryPosition) {
  for (std::size_t before = 0; before < 70; ++before) {
    const std::string plain(before, 'x');
    const auto parsed = parse("{\"" + plain + "\\n\":\"" + plain + "\\u00e9" + plain + "\"}");
    ASSERT_TRUE(parsed);
    EXPECT_EQ(text_or(*parsed, plain + "\n", "none"), plain + "\u00e9" + plain);
  }
}

} // namespace
} // namespace troupe::json

#include "net/provider/yaml.hpp"

#include <gtest/gtest.h>

namespace troupe::provider {
namespace {

std::string as_json(std::string_view text) {
  const auto out = yaml_to_json(text);
  return out ? json::write(*out) : out.error().code;
}

TEST(Yaml, FollowsTheCoreSchema) {
  const std::pair<const char*, const char*> table[] = {
      {"", "null"},
      {"~", "null"},
      {"a: true\nb: yes\nc: 'true'", R"({"a":true,"b":"yes","c":"true"})"},
      {"[1, -2, +3, 0x1F, 0o17, 007]", "[1,-2,3,31,15,7]"},
      {"[1.5, .5, 5., 1e3, -1.5E-2]", "[1.5,0.5,5.0,1000.0,-0.015]"},
      {"[18446744073709551615, 99999999999999999999]", "[18446744073709551615,1e+20]"},
      {"[null, Null, NULL, nUll]", R"([null,null,null,"nUll"])"},
      {"a:\n  - b: |\n      x\n      y\n", R"({"a":[{"b":"x\ny\n"}]})"},
      {"? a\n: 1\n5: x", R"({"a":1,"5":"x"})"},
      {"!!str 12", R"("12")"},
      {R"("a\_b\Nc")", "\"a\u00A0b\u0085c\""},
      {"x: &k {n: 1}\ny: *k", R"({"x":{"n":1},"y":{"n":1}})"},
      {"url: http://h:1/p?q=1", R"({"url":"http://h:1/p?q=1"})"},
      {"t: \"{{ input.x }}\"", R"({"t":"{{ input.x }}"})"},
      {"e:\nf: []\ng: {}", R"({"e":null,"f":[],"g":{}})"},
  };
  for (const auto& [text, want] : table)
    EXPECT_EQ(as_json(text), want) << text;
}

TEST(Yaml, RefusesWhatIsNoJson) {
  const std::pair<const char*, const char*> table[] = {
      {"a: .inf", "yaml_value"},      {"a: .nan", "yaml_value"},
      {"a: 1e999", "yaml_value"},     {"a: 1\na: 2", "yaml_duplicate_key"},
      {"? [1]\n: 2", "yaml_value"},   {"!python/object:os.system x", "yaml_value"},
      {"a: [1", "yaml_syntax"},       {"a: b: c", "yaml_syntax"},
      {"a: &x [*x]", "yaml_aliases"}, {"--- 1\n--- 2", "yaml_documents"},
      {"a: \xff", "yaml_syntax"},
  };
  for (const auto& [text, want] : table)
    EXPECT_EQ(as_json(text), want) << text;
}

TEST(Yaml, BoundsDepth) {
  EXPECT_EQ(as_json(std::string(64, '[') + std::string(64, ']')).substr(0, 4), "[[[[");
  EXPECT_EQ(as_json(std::string(65, '[') + std::string(65, ']')), "yaml_too_deep");
  EXPECT_EQ(as_json(std::string(100'000, '[')), "yaml_too_deep");
  std::string dashes;
  for (int i = 0; i < 5'000; ++i)
    dashes += "- ";
  EXPECT_EQ(as_json(dashes), "yaml_too_deep");
}

TEST(Yaml, BoundsTheExpansionOfAliases) {
  std::string bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n";
  for (int i = 1; i < 10; ++i) {
    const auto last = "*a" + std::to_string(i - 1);
    bomb += "a" + std::to_string(i) + ": &a" + std::to_string(i) + " [" + last;
    for (int n = 0; n < 9; ++n)
      bomb += "," + last;
    bomb += "]\n";
  }
  EXPECT_EQ(as_json(bomb), "yaml_aliases");
}

TEST(Yaml, BoundsCopiesOfLongText) {
  std::string text = "a: &a \"" + std::string(1'000'000, 'x') + "\"\nb: [*a";
  for (int i = 0; i < 20; ++i)
    text += ",*a";
  EXPECT_EQ(as_json(text + "]"), "yaml_aliases");
}

TEST(Yaml, BoundsTheSize) {
  yaml_limits limits;
  limits.bytes_max = 10;
  const auto out = yaml_to_json("aaaaaaaaaaaaa", limits);
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().kind, failure_kind::too_large);
}

} // namespace
} // namespace troupe::provider

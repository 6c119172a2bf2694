#include "tests/workflow/support.hpp"

namespace troupe::test {
namespace {

const char* const schema = R"({"name":{"type":"string","required":true,"maxLength":5},
  "count":{"type":"integer","default":3,"minimum":1,"maximum":5},
  "share":{"type":"number"},"kind":{"type":"string","enum":["a","b"]},"flag":{"type":"boolean"},
  "tags":{"type":"array","items":{"type":"string"},"maxItems":2},
  "deep":{"type":"object","properties":{"x":{"type":"integer","default":1}},"required":["y"]},
  "level":{"enum":[1,2]},"maybe":{"type":["string","null"]}})";

result<json::value> applied(std::string_view input) {
  return apply_input_schema(parsed(schema).as_object(), parsed(input));
}

TEST(InputSchema, AcceptsAndFillsInDefaults) {
  const std::pair<const char*, const char*> rows[] = {
      {R"({"name":"x"})", R"({"name":"x","count":3})"},
      {R"({"name":"x","count":1,"extra":[1]})", R"({"name":"x","count":1,"extra":[1]})"},
      {R"({"name":"x","count":5,"share":2,"flag":false})",
       R"({"name":"x","count":5,"share":2,"flag":false})"},
      {R"({"name":"x","kind":"b","tags":["t","u"]})",
       R"({"name":"x","count":3,"kind":"b","tags":["t","u"]})"},
      {R"({"name":"x","deep":{"y":0}})", R"({"name":"x","count":3,"deep":{"y":0,"x":1}})"},
      {R"({"name":"äöüßé","level":2,"maybe":null})",
       R"({"name":"äöüßé","count":3,"level":2,"maybe":null})"},
  };
  for (const auto& [input, expected] : rows) {
    const auto out = applied(input);
    ASSERT_TRUE(out) << input << ": " << out.error().message;
    EXPECT_TRUE(json::same(*out, parsed(expected))) << json::write(*out);
  }
}

TEST(InputSchema, NamesTheFieldThatIsWrong) {
  struct row {
    const char *input, *field, *code;
  };
  const row rows[] = {
      {"{}", "name", "missing"},
      {R"({"name":1})", "name", "wrong_type"},
      {R"({"name":null})", "name", "wrong_type"},
      {R"({"name":"sixsix"})", "name", "out_of_range"},
      {R"({"name":"x","count":0})", "count", "out_of_range"},
      {R"({"name":"x","count":6})", "count", "out_of_range"},
      {R"({"name":"x","count":1.5})", "count", "wrong_type"},
      {R"({"name":"x","count":"1"})", "count", "wrong_type"},
      {R"({"name":"x","share":"1"})", "share", "wrong_type"},
      {R"({"name":"x","kind":"c"})", "kind", "bad_value"},
      {R"({"name":"x","flag":0})", "flag", "wrong_type"},
      {R"({"name":"x","tags":["a",1]})", "tags[1]", "wrong_type"},
      {R"({"name":"x","tags":["a","b","c"]})", "tags", "out_of_range"},
      {R"({"name":"x","tags":"a"})", "tags", "wrong_type"},
      {R"({"name":"x","deep":{}})", "deep.y", "missing"},
      {R"({"name":"x","deep":{"x":"1","y":1}})", "deep.x", "wrong_type"},
      {R"({"name":"x","level":3})", "level", "bad_value"},
      {R"([])", "", "wrong_type"},
  };
  for (const auto& r : rows) {
    const auto out = applied(r.input);
    ASSERT_FALSE(out) << r.input;
    EXPECT_EQ(out.error().code, "input_invalid");
    EXPECT_EQ(out.error().kind, failure_kind::invalid);
    ASSERT_EQ(out.error().node_errors.size(), 1U) << r.input;
    EXPECT_EQ(out.error().node_errors[0].field, r.field) << r.input;
    EXPECT_EQ(out.error().node_errors[0].code, r.code) << r.input;
  }
}

TEST(InputSchema, ReportsEveryField) {
  const auto out = applied(R"({"name":1,"count":9,"kind":"z"})");
  ASSERT_FALSE(out);
  EXPECT_EQ(out.error().node_errors.size(), 3U);
}

TEST(InputSchema, ReadsAWholeJsonSchemaToo) {
  const auto s = parsed(R"({"type":"object","properties":{"n":{"type":"integer"},
    "m":{"type":"integer","default":2}},"required":["n"]})")
                     .as_object();
  const auto good = apply_input_schema(s, parsed(R"({"n":1})"));
  ASSERT_TRUE(good);
  EXPECT_EQ(*good, parsed(R"({"n":1,"m":2})"));
  EXPECT_FALSE(apply_input_schema(s, parsed("{}")));
}

TEST(InputSchema, LetsAnythingPassWithoutOne) {
  const auto out = apply_input_schema({}, parsed(R"([1])"));
  ASSERT_TRUE(out);
  EXPECT_EQ(*out, parsed("[1]"));
  EXPECT_EQ(*apply_input_schema({}, json::value()), parsed("{}"));
}

} // namespace
} // namespace troupe::test

#include "net/rest/json_schema.hpp"

#include <gtest/gtest.h>

namespace troupe::rest {
namespace {

json::value parsed(std::string_view text) {
  auto v = json::parse(text);
  EXPECT_TRUE(v) << text;
  return v ? std::move(*v) : json::value();
}

/// The paths that are complained about, joined.
std::string fields_of(std::string_view schema, std::string_view data) {
  std::string out;
  for (const auto& e : schema_complaints(parsed(schema), parsed(data))) {
    EXPECT_FALSE(e.message.empty());
    out += "[" + e.field + "]";
  }
  return out;
}

TEST(JsonSchema, NamesThePlaceThatIsWrong) {
  const auto form = R"({"type":"object","required":["amount"],"properties":{
      "amount":{"type":"integer","minimum":1},"lines":{"type":"array","items":{"type":"object",
      "properties":{"name":{"type":"string"}}}},"kind":{"enum":["a","b"]}}})";
  EXPECT_EQ(fields_of(form, R"({"amount":12,"lines":[{"name":"x"}],"kind":"a","more":1})"), "");
  EXPECT_NE(fields_of(form, R"({"amount":"lots"})").find("[amount]"), std::string::npos);
  EXPECT_NE(fields_of(form, R"({"amount":0})").find("[amount]"), std::string::npos);
  EXPECT_NE(fields_of(form, R"({"amount":1,"kind":"c"})").find("[kind]"), std::string::npos);
  EXPECT_NE(fields_of(form, R"({"amount":1,"lines":[{},{"name":5}]})").find("[lines.1.name]"),
            std::string::npos);
  EXPECT_NE(fields_of(form, "{}"), "");
  EXPECT_NE(fields_of(form, "[]"), "");
  EXPECT_NE(fields_of(form, "null"), "");
}

TEST(JsonSchema, WhatIsNoSchemaChecksNothing) {
  EXPECT_EQ(fields_of(R"("text")", "5"), "");
  EXPECT_EQ(fields_of(R"({"type":5})", "5"), "");
  EXPECT_EQ(fields_of(R"({"properties":[]})", "{}"), "");
  EXPECT_EQ(fields_of("{}", "5"), "");
}

TEST(JsonSchema, HostileSchemasEnd) {
  EXPECT_EQ(fields_of(R"({"allOf":[{"$ref":"#"}]})", "{}"), "");
  EXPECT_EQ(fields_of(R"({"$ref":"http://127.0.0.1/x"})", "{}"), "");
  const std::string text(100'000, 'a');
  EXPECT_EQ(fields_of(R"({"type":"string","pattern":"(a+)+$"})", '"' + text + "!\""), "");
  // A field may be called as a keyword is.
  EXPECT_NE(fields_of(R"({"properties":{"pattern":{"type":"integer"}}})", R"({"pattern":"x"})"),
            "");
}

} // namespace
} // namespace troupe::rest

#include "net/rest/openapi.hpp"
#include "net/rest/router.hpp"

#include <gtest/gtest.h>

#include <set>

namespace troupe::rest {
namespace {

using enum http::method;
using outcome = route_match::outcome;

const router& all() {
  static const router made(routes());
  return made;
}

std::string_view handler_of(http::method verb, std::string_view path) {
  const auto match = all().find(verb, path);
  return match.what == outcome::found ? all().at(match.index).handler : "none";
}

TEST(Router, LetsLiteralsWinOverParameters) {
  EXPECT_EQ(handler_of(get, "/api/v1/workflows/executions"), "list_executions");
  EXPECT_EQ(handler_of(get, "/api/v1/workflows/stats/overview"), "stats_overview");
  EXPECT_EQ(handler_of(get, "/api/v1/workflows/abc"), "read_workflow");
  EXPECT_EQ(handler_of(get, "/api/v1/workflows/abc/stats"), "workflow_stats");
  EXPECT_EQ(handler_of(post, "/api/v1/workflows/validate"), "validate_workflow");
  EXPECT_EQ(handler_of(get, "/"), "root");
}

TEST(Router, BacktracksFromALiteralThatLeadsNowhere) {
  // "executions" is a literal, but only the parameter branch has /versions below it.
  EXPECT_EQ(handler_of(get, "/api/v1/workflows/executions/versions"), "list_versions");
}

TEST(Router, GivesDecodedParameters) {
  const auto match = all().find(get, "/api/v1/workflows/a b/versions/2/diff/3");
  ASSERT_EQ(match.what, outcome::found);
  EXPECT_EQ(match.parameter("id"), "a b");
  EXPECT_EQ(match.parameter("version"), "2");
  EXPECT_EQ(match.parameter("other"), "3");
}

TEST(Router, TellsWrongMethodsFromUnknownPaths) {
  const auto wrong = all().find(delete_, "/api/v1/workflows");
  EXPECT_EQ(wrong.what, outcome::wrong_method);
  EXPECT_EQ(wrong.allow, "GET, HEAD, POST");
  for (const auto path :
       {"/api/v1/nothing", "/api/v1/workflows/", "/api/v1/workflows//stats", "/api/v2/workflows",
        "//", "/api/v1/workflows/a/b/c/d/e/f/g/h/i/j/k/l/m/n"})
    EXPECT_EQ(all().find(get, path).what, outcome::unknown) << path;
}

TEST(Router, AnswersHeadWithGet) {
  EXPECT_EQ(handler_of(head, "/health"), "health");
}

TEST(Router, FindsEveryRowOfItsTable) {
  for (std::size_t i = 0; i < routes().size(); ++i) {
    std::string path;
    for (const char c : routes()[i].pattern)
      if (c != '{' && c != '}')
        path += c;
    const auto match = all().find(routes()[i].verb, path);
    ASSERT_EQ(match.what, outcome::found) << path;
    EXPECT_EQ(match.index, i) << path;
  }
}

TEST(OpenApi, HoldsEveryRouteAndNoOther) {
  const auto text = json::write(json::value(openapi(routes(), "1.2.3")));
  const auto parsed = json::parse(text);
  ASSERT_TRUE(parsed);
  EXPECT_EQ(json::text_or(*parsed, "openapi", ""), "3.1.0");
  std::size_t operations = 0;
  std::set<std::string> ids;
  for (const auto& [path, item] : parsed->at("paths").as_object())
    for (const auto& [verb, operation] : item.as_object()) {
      ++operations;
      EXPECT_TRUE(ids.insert(std::string(json::text_or(operation, "operationId", ""))).second);
    }
  EXPECT_EQ(operations, routes().size());
  for (const auto& row : routes()) {
    std::string verb(to_text(row.verb));
    for (char& c : verb)
      c = static_cast<char>(c | 0x20);
    const auto* item = parsed->at("paths").as_object().if_contains(row.pattern);
    ASSERT_NE(item, nullptr) << row.pattern;
    EXPECT_TRUE(item->as_object().contains(verb)) << row.pattern;
  }
}

TEST(OpenApi, RefersOnlyToSchemasThatExist) {
  const auto text = json::write(json::value(openapi(routes(), "1")));
  constexpr std::string_view start = R"("$ref":"#/components/schemas/)";
  std::size_t found = 0;
  for (auto at = text.find(start); at != std::string::npos; at = text.find(start, at + 1)) {
    const auto name =
        text.substr(at + start.size(), text.find('"', at + start.size()) - at - start.size());
    EXPECT_TRUE(schemas().contains(name)) << name;
    ++found;
  }
  EXPECT_GT(found, 100u);
}

} // namespace
} // namespace troupe::rest

#include "net/rest/decode.hpp"
#include "net/rest/definition_tools.hpp"
#include "net/rest/headers.hpp"
#include "net/rest/limits.hpp"
#include "net/rest/page.hpp"
#include "net/rest/problem.hpp"

#include <gtest/gtest.h>

namespace troupe::rest {
namespace {

using namespace std::chrono_literals;

http::request with_headers(std::vector<std::pair<std::string, std::string>> headers) {
  http::request r;
  r.headers = std::move(headers);
  return r;
}

json::object object(std::string_view text) {
  return json::parse(text).value().as_object();
}

TEST(Problem, MapsEveryKindToItsStatus) {
  const std::pair<failure_kind, unsigned> table[] = {
      {failure_kind::malformed, 400},    {failure_kind::unauthenticated, 401},
      {failure_kind::payment, 402},      {failure_kind::forbidden, 403},
      {failure_kind::not_found, 404},    {failure_kind::not_allowed, 405},
      {failure_kind::conflict, 409},     {failure_kind::gone, 410},
      {failure_kind::precondition, 412}, {failure_kind::too_large, 413},
      {failure_kind::unsupported, 415},  {failure_kind::invalid, 422},
      {failure_kind::exhausted, 429},    {failure_kind::header_too_large, 431},
      {failure_kind::internal, 500},     {failure_kind::upstream, 502},
      {failure_kind::unavailable, 503},  {failure_kind::storage_full, 507}};
  for (const auto& [kind, status] : table) {
    const auto out = to_problem({kind, "some_code", "Why.", "Do.", {{"n", "f", "c", "m"}}}, "req");
    EXPECT_EQ(out.status, status);
    const auto body = json::parse(out.body).value();
    EXPECT_EQ(body.at("status").as_int64(), status);
    EXPECT_EQ(body.at("detail").as_string(), "Why.");
    EXPECT_EQ(body.at("code").as_string(), "some_code");
    EXPECT_EQ(body.at("hint").as_string(), "Do.");
    EXPECT_EQ(body.at("request_id").as_string(), "req");
    EXPECT_EQ(body.at("node_errors").at(0).at("node").as_string(), "n");
    EXPECT_NE(title_of(status), "Error");
  }
}

TEST(Problem, AsksForABearerAt401) {
  const auto out = to_problem({failure_kind::unauthenticated, "x", "y", {}, {}}, "r");
  EXPECT_TRUE(has_header(out, "www-authenticate"));
}

TEST(Headers, ReadTraceContext) {
  const std::string good = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01";
  ASSERT_TRUE(trace_of(good));
  EXPECT_EQ(trace_of(good)->trace_id, "0af7651916cd43dd8448eb211c80319c");
  for (const std::string bad : {"", "00", "00-00000000000000000000000000000000-b7ad6b7169203331-01",
                                "00-0af7651916cd43dd8448eb211c80319c-0000000000000000-01",
                                "ff-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01",
                                "00-0AF7651916CD43DD8448EB211C80319C-b7ad6b7169203331-01",
                                "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"})
    EXPECT_FALSE(trace_of(bad)) << bad;
  EXPECT_TRUE(trace_of("cc-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01-x"));
}

TEST(Headers, TakeRequestIdsThatAreVisibleAndShort) {
  EXPECT_EQ(request_id_of(with_headers({{"x-request-id", "abc"}})), "abc");
  EXPECT_FALSE(request_id_of(with_headers({{"x-request-id", "a b"}})));
  EXPECT_FALSE(request_id_of(with_headers({{"x-request-id", std::string(129, 'a')}})));
}

TEST(Headers, ReadVersionsAndPositions) {
  EXPECT_EQ(*if_match_of(with_headers({{"if-match", "\"7\""}})).value(), 7u);
  EXPECT_EQ(*if_match_of(with_headers({{"if-match", "W/\"7\""}})).value(), 7u);
  EXPECT_FALSE(if_match_of(with_headers({{"if-match", "*"}})).value());
  EXPECT_FALSE(if_match_of(with_headers({{"if-match", "\"x\""}})));
  const auto where = positions_of(with_headers({{"troupe-position", "2:17, 0:3"}})).value();
  ASSERT_EQ(where.size(), 2u);
  EXPECT_EQ(where[0].first, 2);
  EXPECT_EQ(where[1].second, 3u);
  for (const auto bad : {"2", "2:", ":1", "2:x", "70000:1", "1:-1"})
    EXPECT_FALSE(positions_of(with_headers({{"troupe-position", bad}}))) << bad;
}

TEST(Headers, CompareETags) {
  const auto names = [](std::string given) {
    return none_match_names(with_headers({{"if-none-match", std::move(given)}}), etag_of(3));
  };
  for (const auto* same : {"\"3\"", "W/\"3\"", "*", "\"2\", \"3\""})
    EXPECT_TRUE(names(same)) << same;
  for (const auto* other : {"", "\"4\"", "3", "\"33\""})
    EXPECT_FALSE(names(other)) << other;
}

TEST(Headers, GiveTheExactDetailsOfTheContract) {
  EXPECT_EQ(bearer_of({}).error().message, "Missing authorization header");
  for (const auto bad : {"Basic abc", "Bearer", "Bearer ", "abc"})
    EXPECT_EQ(bearer_of(with_headers({{"authorization", bad}})).error().message,
              "Invalid authorization header format")
        << bad;
  EXPECT_EQ(bearer_of(with_headers({{"authorization", "bearer x"}})).value(), "x");
}

TEST(Headers, AllowOnlyConfiguredOrigins) {
  http::response none, mine, other;
  const auto request = with_headers({{"origin", "https://a.example"}});
  add_cors({}, request, none);
  EXPECT_TRUE(none.headers.empty());
  add_cors({"https://a.example"}, request, mine);
  EXPECT_TRUE(has_header(mine, "access-control-allow-origin"));
  add_cors({"https://b.example"}, request, other);
  EXPECT_FALSE(has_header(other, "access-control-allow-origin"));
  EXPECT_TRUE(has_header(other, "vary"));
}

TEST(Decode, RefusesByKind) {
  const auto refuse = [](std::string type, std::string body, body_kind kind = body_kind::json) {
    http::request r = with_headers({{"content-type", std::move(type)}});
    r.body = std::move(body);
    const auto out = decode_json(r, kind);
    return out ? 0u : status_of(out.error().kind);
  };
  EXPECT_EQ(refuse("application/json", "{}"), 0u);
  EXPECT_EQ(refuse("application/json; charset=utf-8", "{}"), 0u);
  EXPECT_EQ(refuse("application/merge-patch+json", "{}"), 0u);
  EXPECT_EQ(refuse("", "{}"), 0u);
  EXPECT_EQ(refuse("text/plain", "{}"), 415u);
  EXPECT_EQ(refuse("application/x-www-form-urlencoded", "a=b"), 415u);
  EXPECT_EQ(refuse("application/json", "{"), 400u);
  EXPECT_EQ(refuse("application/json", ""), 400u);
  EXPECT_EQ(refuse("application/json", "", body_kind::optional), 0u);
  EXPECT_EQ(refuse("application/json", "", body_kind::execute), 0u);
  EXPECT_EQ(refuse("application/json", "", body_kind::definition), 400u);
  EXPECT_EQ(refuse("application/json", "[]"), 422u);
  EXPECT_EQ(refuse("application/json", "{\"a\":1,\"a\":2}"), 400u);
  EXPECT_EQ(refuse("application/json", "{\"a\":1e999}"), 400u);
  EXPECT_EQ(refuse("application/json", std::string((1u << 20) + 1, ' ')), 413u);
  std::string deep = "{\"a\":" + std::string(64, '[') + std::string(64, ']') + "}";
  EXPECT_EQ(refuse("application/json", deep), 400u);
}

TEST(Decode, NamesTheFieldsThatAreWrong) {
  const auto body = object(R"({"a":1,"b":"x","c":{"d":true},"n":99})");
  fields in(body, "body.");
  in.text("a");
  in.flag("b", false);
  in.list("c");
  in.whole("n", 1, 0, 10);
  in.required_text("missing");
  const auto fault = in.fault();
  ASSERT_TRUE(fault);
  EXPECT_EQ(fault->kind, failure_kind::invalid);
  ASSERT_EQ(fault->node_errors.size(), 5u);
  EXPECT_EQ(fault->node_errors[0].field, "body.a");
  EXPECT_EQ(fault->node_errors[4].code, "required");
}

TEST(Page, ChecksLimitsAndCursors) {
  const auto status = [](const char* limit) {
    http::request r;
    r.query = {{"limit", limit}};
    return page_of(r).has_value();
  };
  EXPECT_TRUE(status("1"));
  EXPECT_TRUE(status("500"));
  for (const auto bad : {"0", "501", "-1", "x", "", "1.5", "99999999999999999999"})
    EXPECT_FALSE(status(bad)) << bad;
  EXPECT_EQ(position_of(cursor_at(77)).value(), 77u);
  for (const auto bad : {"x", "bzE=x", "!!", "bzFh"})
    EXPECT_FALSE(position_of(bad)) << bad;
}

TEST(Page, CoversAListExactlyOnce) {
  json::array all;
  for (int i = 0; i < 7; ++i)
    all.push_back(i);
  std::string seen, cursor;
  int pages = 0;
  do {
    const auto page = json::parse(page_text(all, {3, cursor}).value()).value();
    for (const auto& item : page.at("items").as_array())
      seen += json::write(item);
    EXPECT_EQ(page.at("total_count").as_int64(), 7);
    EXPECT_EQ(page.at("has_more").as_bool(), page.at("next_cursor").is_string());
    cursor = json::text_or(page, "next_cursor", "");
    ++pages;
  } while (!cursor.empty());
  EXPECT_EQ(seen, "0123456");
  EXPECT_EQ(pages, 3);
}

TEST(Limits, GiveTokensBackEvenly) {
  token_buckets buckets(60);
  const monotonic start{};
  for (int i = 0; i < 60; ++i)
    EXPECT_EQ(buckets.take("a", start).count(), 0);
  EXPECT_EQ(buckets.take("a", start), 1000ms);
  EXPECT_EQ(buckets.take("b", start).count(), 0);
  EXPECT_EQ(buckets.take("a", start + 1s).count(), 0);
  EXPECT_GT(buckets.take("a", start + 1s).count(), 0);
}

TEST(Limits, LockAfterFailuresForAMinute) {
  failure_counter failures(5);
  const monotonic start{};
  for (int i = 0; i < 5; ++i) {
    EXPECT_EQ(failures.wait("a", start).count(), 0);
    failures.note("a", start);
  }
  EXPECT_EQ(failures.wait("a", start + 20s), 40s);
  EXPECT_EQ(failures.wait("b", start).count(), 0);
  EXPECT_EQ(failures.wait("a", start + 60s).count(), 0);
}

TEST(Definitions, DifferByNode) {
  const auto from = object(R"({"name":"a","nodes":[{"id":"x","p":1},{"id":"y"}],
                               "edges":[{"source":"x","target":"y"}]})");
  const auto to = object(R"({"name":"b","nodes":[{"id":"x","p":2},{"id":"z"}],"edges":[]})");
  EXPECT_EQ(json::write(json::value(definition_diff(from, to))),
            R"({"nodes":{"added":["z"],"removed":["y"],"changed":[{"id":"x","fields":["p"],)"
            R"("changes":[{"field":"p","from":1,"to":2}]}]},)"
            R"("edges":{"added":[],"removed":[{"source":"x","target":"y"}]},"fields":["name"],)"
            R"("changes":[{"field":"name","from":"a","to":"b"}]})");
}

TEST(Definitions, ExportNoSecretsAndIds) {
  const auto out = json::write(json::value(portable(object(
      R"({"id":"1","version":3,"user_id":"u","name":"n",
          "input_schema":{"password":{"type":"string"}},
          "steps":[{"parameters":{"api_key":"CANARY","max_tokens":5,"auth":{"type":"bearer",
          "token":"CANARY"},"headers":{"Authorization":"CANARY","X-A":"{{ input.token }}"},
          "list":[{"name":"X-Api-Key","value":"CANARY"}],"password":"{{ vars.p }}"}}]})"))));
  EXPECT_EQ(out.find("CANARY"), std::string::npos) << out;
  EXPECT_EQ(out.find("user_id"), std::string::npos);
  EXPECT_NE(out.find(R"("max_tokens":5)"), std::string::npos);
  EXPECT_NE(out.find(R"("password":"{{ vars.p }}")"), std::string::npos);
  EXPECT_NE(out.find(R"("password":{"type":"string"})"), std::string::npos);
}

TEST(Definitions, MergeSentKeysAndDropNulls) {
  const auto stored = object(R"({"name":"a","schedule":"x","steps":[1],"tags":[]})");
  EXPECT_EQ(json::write(json::value(merged(stored, object(R"({"name":"b","schedule":null})")))),
            R"({"name":"b","tags":[],"steps":[1]})");
  EXPECT_FALSE(merged(stored, object(R"({"nodes":[]})")).contains("steps"));
}

} // namespace
} // namespace troupe::rest

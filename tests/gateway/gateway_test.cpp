#include "net/rest/route.hpp"
#include "tests/gateway/fixture.hpp"

namespace troupe {
namespace {

using namespace test;

std::string sample_path(std::string_view pattern) {
  std::string out;
  for (std::size_t i = 0; i < pattern.size(); ++i) {
    if (pattern[i] == '{') {
      out += "x1";
      i = pattern.find('}', i);
    } else {
      out += pattern[i];
    }
  }
  return out;
}

TEST_F(Gateway, ChecksPasswordsOnEveryRouteOfTheTable) {
  gateway_settings settings;
  settings.password = "right";
  open(settings);
  int address = 0;
  for (const auto& row : rest::routes()) {
    if (row.who == rest::access::socket)
      continue;
    const auto path = sample_path(row.pattern);
    const std::string verb(rest::to_text(row.verb));
    const auto ask = [&](std::vector<std::pair<std::string, std::string>> headers) {
      client.headers = std::move(headers);
      client.address = "10.0.0." + std::to_string(++address);
      return client(verb, path, "{}");
    };
    const bool open_route = row.who == rest::access::open;
    for (const auto& [header, detail] : {std::pair{"", "Missing authorization header"},
                                         std::pair{"right", "Invalid authorization header format"},
                                         std::pair{"Bearer wrong", "Invalid password"}}) {
      const auto out = ask(*header == 0 ? decltype(client.headers){}
                                        : decltype(client.headers){{"authorization", header}});
      if (open_route) {
        EXPECT_NE(out.status, 401u) << path;
        continue;
      }
      EXPECT_EQ(out.status, 401u) << verb << " " << path;
      EXPECT_EQ(text_of(out, "detail"), detail);
      EXPECT_EQ(header_of(out, "WWW-Authenticate"), "Bearer");
    }
    EXPECT_NE(ask({{"authorization", "Bearer right"}}).status, 401u) << path;
    client.headers.clear();
    EXPECT_EQ(client("OPTIONS", path).status, 204u) << path;
  }
}

TEST_F(Gateway, ExemptsExactlyTheListedPaths) {
  std::string open_paths;
  for (const auto& row : rest::routes())
    if (row.who == rest::access::open)
      open_paths += std::string(row.pattern) + " ";
  EXPECT_EQ(open_paths, "/ /health /health/live /health/ready /openapi.json /docs /redoc "
                        "/api/v1/auth/status /api/v1/config /api/v1/system/cluster/join ");
}

TEST_F(Gateway, LocksAnAddressAfterFiveWrongPasswords) {
  gateway_settings settings;
  settings.password = "right";
  open(settings);
  client.headers = {{"authorization", "Bearer wrong"}};
  for (int i = 0; i < 5; ++i)
    EXPECT_EQ(client("GET", "/api/v1/workflows").status, 401u);
  const auto locked = client("GET", "/api/v1/workflows");
  EXPECT_EQ(locked.status, 429u);
  EXPECT_FALSE(header_of(locked, "Retry-After").empty());
  client.headers = {{"authorization", "Bearer right"}};
  EXPECT_EQ(client("GET", "/api/v1/workflows").status, 429u);
  client.address = "10.1.1.1";
  EXPECT_EQ(client("GET", "/api/v1/workflows").status, 200u);
}

TEST_F(Gateway, RefusesBeforeTheBodyIsRead) {
  gateway_settings settings;
  settings.password = "right";
  open(settings);
  std::size_t limit = 0;
  EXPECT_TRUE(client.handle.head(client.make("POST", "/api/v1/workflows"), limit));
  EXPECT_TRUE(client.handle.head(client.make("POST", "/api/v1/nothing"), limit));
  client.headers = {{"authorization", "Bearer right"}};
  EXPECT_FALSE(client.handle.head(client.make("POST", "/api/v1/workflows"), limit));
  EXPECT_EQ(limit, 10u << 20);
}

TEST_F(Gateway, AnswersUnknownPathsAndMethods) {
  EXPECT_EQ(client("GET", "/api/v1/nothing").status, 404u);
  const auto out = client("PUT", "/api/v1/workflows");
  EXPECT_EQ(out.status, 405u);
  EXPECT_EQ(header_of(out, "Allow"), "GET, HEAD, POST, OPTIONS");
}

TEST_F(Gateway, DecoratesErrorsToo) {
  gateway_settings settings;
  settings.cors_origins = {"https://a.example"};
  open(settings);
  client.headers = {{"origin", "https://a.example"}, {"x-request-id", "mine"}};
  const auto out = client("GET", "/api/v1/nothing");
  EXPECT_EQ(header_of(out, "Access-Control-Allow-Origin"), "https://a.example");
  EXPECT_EQ(header_of(out, "X-Content-Type-Options"), "nosniff");
  EXPECT_EQ(header_of(out, "X-Frame-Options"), "DENY");
  EXPECT_EQ(header_of(out, "Cache-Control"), "no-store");
  EXPECT_EQ(header_of(out, "X-Request-ID"), "mine");
  EXPECT_EQ(text_of(out, "request_id"), "mine");
}

TEST_F(Gateway, StoresAndChangesWorkflows) {
  const auto id = new_workflow();
  auto out = client("PATCH", "/api/v1/workflows/" + id, R"({"name":"other"})");
  EXPECT_EQ(out.status, 200u) << out.body;
  EXPECT_EQ(text_of(out, "name"), "other");
  EXPECT_EQ(header_of(out, "ETag"), "\"2\"");
  EXPECT_EQ(header_of(out, "Troupe-Position"), "0:2");
  client.headers = {{"if-match", "\"1\""}};
  EXPECT_EQ(client("PATCH", "/api/v1/workflows/" + id, R"({"name":"x"})").status, 412u);
  client.headers = {{"if-match", "\"2\""}};
  EXPECT_EQ(client("PUT", "/api/v1/workflows/" + id, echo_steps).status, 200u);
  client.headers.clear();
  EXPECT_EQ(client("GET", "/api/v1/workflows/" + id + "?view=graph").status, 200u);
  EXPECT_EQ(client("GET", "/api/v1/workflows/unknown").status, 404u);
  out = client("GET", "/api/v1/workflows/" + id + "/versions/1/diff/2");
  EXPECT_EQ(json::write(body_of(out).at("fields")), R"(["name"])");
  out = client("GET", "/api/v1/workflows/" + id + "/versions?limit=2");
  EXPECT_EQ(body_of(out).at("total_count").as_int64(), 3);
  EXPECT_TRUE(body_of(out).at("has_more").as_bool());
  EXPECT_EQ(client("DELETE", "/api/v1/workflows/" + id).status, 204u);
  EXPECT_EQ(client("GET", "/api/v1/workflows/" + id).status, 404u);
}

TEST_F(Gateway, TakesYamlForDefinitionsOnly) {
  client.headers = {{"content-type", "application/yaml"}};
  const auto id = new_workflow("name: y\nsteps:\n- step_id: a\n  skill_type: echo\n");
  EXPECT_FALSE(id.empty());
  EXPECT_EQ(client("POST", "/api/v1/workflows", "a: [").status, 400u);
  EXPECT_EQ(client("POST", "/api/v1/skills/execute", "skill_type: echo").status, 415u);
}

TEST_F(Gateway, ReportsInvalidDefinitionsByNode) {
  const auto out = client("POST", "/api/v1/workflows",
                          R"({"name":"w","steps":[{"step_id":"a","skill_type":"nope"}]})");
  EXPECT_EQ(out.status, 422u);
  EXPECT_EQ(body_of(out).at("node_errors").at(0).at("node").as_string(), "a");
  const auto checked = client("POST", "/api/v1/workflows/validate",
                              R"({"name":"w","steps":[{"step_id":"a","skill_type":"nope"}]})");
  EXPECT_EQ(checked.status, 200u);
  EXPECT_FALSE(body_of(checked).at("valid").as_bool());
}

TEST_F(Gateway, DuplicatesDisabled) {
  const auto id = new_workflow();
  const auto out = client("POST", "/api/v1/workflows/" + id + "/duplicate");
  EXPECT_EQ(out.status, 201u);
  EXPECT_EQ(text_of(out, "name"), "w Copy");
  EXPECT_FALSE(body_of(out).at("enabled").as_bool());
  EXPECT_NE(text_of(out, "id"), id);
}

TEST_F(Gateway, StartsWithWhatTheRequestSays) {
  const auto id = new_workflow();
  client.headers = {{"idempotency-key", "k1"},
                    {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}};
  const auto out = client("POST", "/api/v1/workflows/" + id + "/execute",
                          R"({"input_data":{"a":1},"priority":"high","dry_run":true})");
  EXPECT_EQ(out.status, 202u) << out.body;
  EXPECT_EQ(text_of(out, "status"), "queued");
  EXPECT_EQ(header_of(out, "Troupe-Position"), "3:17");
  EXPECT_TRUE(header_of(out, "traceparent").starts_with("00-0af7651916cd43dd8448eb211c80319c-"));
  const auto& what = engine.starts.back();
  EXPECT_EQ(what.idempotency_key, "k1");
  EXPECT_EQ(what.body_digest.size(), 64u);
  EXPECT_EQ(what.trace_id, "0af7651916cd43dd8448eb211c80319c");
  EXPECT_EQ(what.priority, "high");
  EXPECT_TRUE(what.dry_run);
  EXPECT_EQ(json::write(*what.input), R"({"a":1})");
}

TEST_F(Gateway, WaitsAndAnswersWithTheFinalState) {
  const auto id = new_workflow();
  const auto out = client("POST", "/api/v1/workflows/" + id + "/run?wait=2.5", "{}");
  EXPECT_EQ(out.status, 200u);
  EXPECT_EQ(text_of(out, "status"), "success");
  EXPECT_FALSE(text_of(out, "execution_id").empty());
  EXPECT_EQ(engine.starts.back().wait, milliseconds{2500});
  for (const auto bad : {"x", "-1", "nan", "inf", "1s"})
    EXPECT_EQ(client("POST", "/api/v1/workflows/" + id + "/run?wait=" + bad, "{}").status, 422u)
        << bad;
}

TEST_F(Gateway, AppliesTheInputSchema) {
  const auto id = new_workflow(R"({"name":"w","input_schema":{"n":{"type":"integer",
      "required":true},"d":{"type":"string","default":"q"}},
      "steps":[{"step_id":"a","skill_type":"echo"}]})");
  const auto path = "/api/v1/workflows/" + id + "/execute";
  EXPECT_EQ(client("POST", path, R"({"input_data":{}})").status, 422u);
  EXPECT_EQ(client("POST", path, R"({"input_data":{"n":1}})").status, 202u);
  EXPECT_EQ(json::text_or(*engine.starts.back().input, "d", ""), "q");
}

TEST_F(Gateway, LimitsStarts) {
  gateway_settings settings;
  settings.starts_per_minute = 2;
  open(settings);
  const auto path = "/api/v1/workflows/" + new_workflow() + "/execute";
  EXPECT_EQ(client("POST", path, "{}").status, 202u);
  EXPECT_EQ(client("POST", path, "{}").status, 202u);
  const auto out = client("POST", path, "{}");
  EXPECT_EQ(out.status, 429u);
  EXPECT_EQ(header_of(out, "Retry-After"), "30");
}

TEST_F(Gateway, KeepsFinishedExecutionsUntilACommand) {
  const auto run = engine.add_run(true);
  const auto path = "/api/v1/executions/" + to_text(run);
  EXPECT_EQ(client("GET", path).status, 200u);
  EXPECT_EQ(client("GET", path).status, 200u);
  EXPECT_EQ(engine.reads, 1u);
  EXPECT_EQ(client("POST", path + "/retry", "{}").status, 202u);
  engine.runs[run].terminal = false;
  EXPECT_EQ(client("GET", path).status, 200u);
  EXPECT_EQ(client("GET", path).status, 200u);
  EXPECT_EQ(engine.reads, 3u);
  EXPECT_EQ(client("DELETE", path).status, 409u);
  engine.runs[run].terminal = true;
  EXPECT_EQ(client("DELETE", path).status, 204u);
  EXPECT_EQ(client("GET", path).status, 404u);
}

TEST_F(Gateway, StreamsFromWhereTheReaderStopped) {
  const auto run = engine.add_run(true);
  engine.runs[run].events = {R"({"seq":1})", R"({"seq":2})", R"({"seq":3})"};
  client.headers = {{"last-event-id", "1"}};
  const auto out = client("GET", "/api/v1/executions/" + to_text(run) + "/stream");
  EXPECT_EQ(header_of(out, "Content-Type"), "text/event-stream");
  ASSERT_TRUE(client.last->stream);
  EXPECT_EQ(client.last->stream->text,
            "retry: 1000\n\nid: 2\nevent: execution_started\ndata: {\"seq\":2}\n\n"
            "id: 3\nevent: execution_started\ndata: {\"seq\":3}\n\n");
  EXPECT_FALSE(client.last->stream->open());
  EXPECT_TRUE(engine.subscribers.empty());
  client.headers.clear();
  EXPECT_EQ(client("GET", "/api/v1/executions/" + std::string(36, '0') + "/stream").status, 404u);
}

TEST_F(Gateway, PagesEvents) {
  const auto run = engine.add_run(false);
  engine.runs[run].events = {R"({"seq":1})", R"({"seq":2})", R"({"seq":3})"};
  const auto path = "/api/v1/executions/" + to_text(run) + "/events?limit=2";
  const auto first = client("GET", path);
  EXPECT_EQ(body_of(first).at("items").as_array().size(), 2u);
  const auto second = client("GET", path + "&cursor=" + text_of(first, "next_cursor"));
  EXPECT_EQ(json::write(body_of(second).at("items")), R"([{"seq":3}])");
  EXPECT_FALSE(body_of(second).at("has_more").as_bool());
  EXPECT_EQ(client("GET", path + "&cursor=x").status, 422u);
}

TEST_F(Gateway, DecidesReviewsOfOneExecution) {
  const auto one = engine.add_run(false), two = engine.add_run(false);
  const auto ask = [&](std::string list) {
    return client("POST", "/api/v1/reviews/action", R"({"reviews":[)" + list + "]}");
  };
  const auto item = [](const run_id& run, int n, const char* approved) {
    return R"({"review_id":")" + to_text(run) + "." + std::to_string(n) + R"(","approved":)" +
           approved + "}";
  };
  const auto out = ask(item(one, 1, "true") + "," + item(one, 2, "false"));
  EXPECT_EQ(out.status, 200u) << out.body;
  EXPECT_EQ(body_of(out).at("approved").to_number<int>(), 1);
  EXPECT_EQ(body_of(out).at("rejected").to_number<int>(), 1);
  EXPECT_EQ(ask(item(one, 1, "true") + "," + item(two, 1, "true")).status, 409u);
  EXPECT_EQ(ask(R"({"review_id":"nope","approved":true})").status, 404u);
  EXPECT_EQ(ask(R"({"review_id":"nope"})").status, 422u);
  EXPECT_EQ(ask("").status, 422u);
  engine.refuse_commands = failure{failure_kind::conflict, "review_decided", "Decided.", {}, {}};
  EXPECT_EQ(ask(item(one, 1, "true")).status, 409u);
}

TEST_F(Gateway, HandsPositionsToTheViews) {
  client.headers = {{"troupe-position", "3:17"}};
  EXPECT_EQ(client("GET", "/api/v1/executions?status=COMPLETED").status, 200u);
  ASSERT_EQ(engine.last_positions.size(), 1u);
  EXPECT_EQ(engine.last_positions[0].index, 17u);
  EXPECT_EQ(std::get<execution_filter>(engine.queries.back()).status, "success");
  EXPECT_EQ(client("GET", "/api/v1/executions?status=nonsense").status, 422u);
  EXPECT_EQ(client("GET", "/api/v1/executions?limit=501").status, 422u);
}

TEST_F(Gateway, RunsOneNode) {
  const auto sorted = client("POST", "/api/v1/node-types/ACTION/DATA_TRANSFORMATION/execute",
                             R"({"input":[3,1,2],"parameters":
          {"transformation_type":"sort","transformation_rule":"item"}})");
  EXPECT_EQ(sorted.status, 200u) << sorted.body;
  EXPECT_EQ(json::write(body_of(sorted).at("output").at("main")), "[[1,2,3]]");
  const auto echo = client("POST", "/api/v1/blocks/SKILL.ECHO/execute", R"({"parameters":{}})");
  EXPECT_EQ(echo.status, 200u) << echo.body;
  EXPECT_EQ(json::write(body_of(echo).at("output").at("main")), R"([{"said":"hello"}])");
  EXPECT_EQ(client("POST", "/api/v1/node-types/NO/NO/execute", "{}").status, 404u);
  EXPECT_EQ(client("POST", "/api/v1/node-types/FLOW/IF/execute", "{}").status, 422u);
}

TEST_F(Gateway, SpeaksWithWorkers) {
  const auto made_worker =
      client("POST", "/api/v1/skill-providers", R"({"name":"w","skills":[{"skill_type":"s"}]})");
  EXPECT_EQ(made_worker.status, 201u);
  EXPECT_EQ(text_of(made_worker, "token"), "secret");
  EXPECT_EQ(client("POST", "/api/v1/skill-providers", R"({"name":"w"})").status, 422u);
  EXPECT_EQ(client("POST", "/api/v1/skill-providers/w1/poll", "").status, 200u);
  const auto tasks = std::string("/api/v1/skill-providers/w1/tasks/t1/");
  EXPECT_EQ(client("POST", tasks + "complete", R"({"token":"t"})").status, 200u);
  EXPECT_EQ(client("POST", tasks + "fail", R"({"token":"t","error":{}})").status, 410u);
  EXPECT_EQ(client("POST", tasks + "heartbeat", "{}").status, 422u);
  EXPECT_EQ(client("DELETE", "/api/v1/skill-providers/w2").status, 404u);
}

TEST_F(Gateway, TellsAboutTheSystem) {
  EXPECT_EQ(client("GET", "/health").status, 200u);
  EXPECT_EQ(text_of(client("GET", "/api/v1/config"), "dbStatus"), "online");
  engine.is_ready = false;
  EXPECT_EQ(client("GET", "/health/ready").status, 503u);
  EXPECT_EQ(client("GET", "/health/live").status, 200u);
  EXPECT_EQ(client("GET", "/api/v1/system/services/store/health").status, 200u);
  EXPECT_EQ(client("GET", "/api/v1/system/services/none/health").status, 404u);
  EXPECT_EQ(client("POST", "/api/v1/system/faults", "{}").status, 404u);
  EXPECT_EQ(client("POST", "/api/v1/system/snapshot").status, 409u);
  EXPECT_EQ(client("PUT", "/api/v1/system/log-level", R"({"level":"loud"})").status, 422u);
  const std::string rules = R"({"rules":[{"status":"success","max_age_seconds":3600}]})";
  EXPECT_EQ(client("PUT", "/api/v1/system/retention", rules).status, 200u);
  EXPECT_EQ(client("GET", "/api/v1/system/retention").body, rules);
  EXPECT_EQ(client("PUT", "/api/v1/system/retention",
                   R"({"rules":[{"status":"running","max_age_seconds":1}]})")
                .status,
            422u);
  const auto metrics = client("GET", "/metrics").body;
  EXPECT_NE(metrics.find("troupe_fake 1"), std::string::npos);
  const char* line = R"(troupe_http_requests_total{method="GET",route="/health",status="200"} 1)";
  EXPECT_NE(metrics.find(line), std::string::npos);
}

TEST_F(Gateway, WritesSnapshotsOnlyWhereConfigured) {
  gateway_settings settings;
  settings.snapshot_directory = "/var/copies";
  open(settings);
  const auto path = std::string("/api/v1/system/snapshot");
  EXPECT_EQ(client("POST", path, R"({"name":"one"})").status, 200u);
  EXPECT_EQ(engine.snapshot_to, "/var/copies/one");
  for (const auto bad : {"../x", "/etc", "a/b", ".", ".hidden", ""})
    EXPECT_EQ(client("POST", path, R"({"name":")" + std::string(bad) + "\"}").status, 422u) << bad;
}

} // namespace
} // namespace troupe

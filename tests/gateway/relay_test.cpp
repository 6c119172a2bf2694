// Requests that reach a node which does not lead their partition.
#include "actors/gateway/relay_codec.hpp"
#include "tests/gateway/relay_fixture.hpp"
#include "tests/support/eventually.hpp"

namespace troupe::test {
namespace {

TEST_F(Relay, ARelayedRequestIsAnsweredAsADirectOne) {
  const auto run = one->engine.add_run(true);
  const auto id = to_text(run);
  for (auto* node : {one.get(), two.get()})
    node->maker.headers = {
        {"x-request-id", "mine"},
        {"traceparent", "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"}};
  struct {
    const char* verb;
    std::string target, body;
  } const all[] = {
      {"GET", "/api/v1/executions/" + id, ""},
      {"HEAD", "/api/v1/executions/" + id, ""},
      {"GET", "/api/v1/executions/" + id + "/events?limit=1", ""},
      {"GET", "/api/v1/executions/" + id + "/report", ""},
      {"GET", "/api/v1/executions/0190b2f0-0000-7003-8000-000000000001", ""},
      {"POST", "/api/v1/executions/" + id + "/cancel", R"({"reason":"tired"})"},
      {"POST", "/api/v1/executions/" + id + "/signals/go", R"({"a":1})"},
      {"POST", "/api/v1/reviews/action",
       R"({"reviews":[{"review_id":")" + id + R"(.1","approved":true}]})"},
      {"POST", "/api/v1/skill-providers", R"({"name":"w","skills":[{"skill_type":"x"}]})"},
      {"POST", "/api/v1/skill-providers/w1/poll", "{}"},
      {"DELETE", "/api/v1/skill-providers/w1", ""},
      {"PUT", "/api/v1/workflows/w", relayed_steps},
  };
  for (const auto& each : all) {
    const auto direct = (*one)(each.verb, each.target, each.body);
    const int before = hub.asked;
    const auto relayed = (*two)(each.verb, each.target, each.body);
    EXPECT_EQ(hub.asked, before + 1) << each.target;
    EXPECT_EQ(relayed.status, direct.status) << each.target << relayed.body;
    if (std::string_view(each.verb) != "PUT") { // each one makes a version
      EXPECT_EQ(relayed.body, direct.body) << each.target;
    }
    for (const auto* name : {"Content-Type", "X-Request-ID", "Location", "Retry-After"})
      EXPECT_EQ(header_of(relayed, name), header_of(direct, name)) << each.target << name;
    EXPECT_EQ(header_of(relayed, "Troupe-Position").empty(),
              header_of(direct, "Troupe-Position").empty());
    EXPECT_EQ(header_of(relayed, "X-Request-ID"), "mine");
    EXPECT_EQ(header_of(relayed, "traceparent").substr(0, 36),
              "00-0af7651916cd43dd8448eb211c80319c-");
  }
}

TEST_F(Relay, AStartRunsOnceWhereItIsLed) {
  two->maker.headers = {{"idempotency-key", "k"}};
  const auto out = (*two)("POST", execute + "?wait=2", R"({"input_data":{"a":1}})");
  EXPECT_EQ(out.status, 200u) << out.body;
  ASSERT_EQ(one->engine.starts.size(), 1u);
  EXPECT_EQ(one->engine.starts[0].idempotency_key, "k");
  EXPECT_EQ(json::write(*one->engine.starts[0].input), R"({"a":1})");
  EXPECT_TRUE(two->engine.starts.empty());
  EXPECT_EQ(header_of(out, "Troupe-Position"), "3:17");
}

TEST_F(Relay, ALeaderHereIsAskedOfNobody) {
  two->leader = 2;
  EXPECT_EQ((*two)("POST", execute, "{}").status, 202u);
  EXPECT_EQ(hub.asked, 0);
}

TEST_F(Relay, GoesOnToTheNodeThatAStaleLeaderNames) {
  two->leader = 3;
  const auto out = (*two)("POST", execute, "{}");
  EXPECT_EQ(out.status, 202u) << out.body;
  EXPECT_EQ(hub.asked, 2);
  EXPECT_EQ(one->engine.starts.size(), 1u);
  EXPECT_EQ(gate::decode_request(hub.last())->facts.redirects, 2);
}

TEST_F(Relay, StopsToRunInCircles) {
  open(patient(400));
  one->leader = 3;
  two->leader = 3;
  three->leader = 1;
  const auto out = (*two)("POST", execute, "{}");
  EXPECT_EQ(out.status, 503u);
  EXPECT_EQ(text_of(out, "code"), "no_leader");
  EXPECT_EQ(header_of(out, "Retry-After"), "1");
  EXPECT_GE(hub.asked, 6) << "after a pause it is tried anew";
  EXPECT_LE(hub.asked, 3 * 6) << "with pauses";
}

TEST_F(Relay, WaitsForALeader) {
  two->leader = 0;
  auto answer = two->ask(two->maker.make("POST", execute, R"({"input_data":{"a":1}})"));
  EXPECT_EQ(answer.wait_for(std::chrono::milliseconds(300)), std::future_status::timeout);
  two->leader = 1;
  const auto out = answer.get();
  EXPECT_EQ(out.status, 202u) << out.body;
  ASSERT_EQ(one->engine.starts.size(), 1u);
  EXPECT_EQ(json::write(*one->engine.starts[0].input), R"({"a":1})");
}

TEST_F(Relay, ServesHereWhatIsLedHereAfterAWhile) {
  gateway_settings how;
  how.starts_per_minute = 1;
  open(how);
  two->leader = 0;
  auto answer = two->ask(two->maker.make("POST", execute, "{}"));
  EXPECT_TRUE(eventually([&] { return two->questions >= 3; }));
  two->leader = 2;
  EXPECT_EQ(answer.get().status, 202u) << "tries are one start of its caller";
  EXPECT_EQ(two->engine.starts.size(), 1u);
  EXPECT_EQ((*two)("POST", execute, "{}").status, 429u);
}

TEST_F(Relay, SaysWhenNobodyLeads) {
  open(patient(120));
  two->leader = 0;
  const auto out = (*two)("GET", "/api/v1/executions/" + to_text(one->engine.add_run(true)));
  EXPECT_EQ(out.status, 503u);
  EXPECT_EQ(text_of(out, "code"), "no_leader");
  EXPECT_NE(text_of(out, "detail").find("majority"), std::string::npos);
  EXPECT_NE(two->made->metrics().find("troupe_relayed_unled_total 1\n"), std::string::npos);
  EXPECT_EQ(header_of(out, "Retry-After"), "1");
}

TEST_F(Relay, RepeatsOnlyWhatMayBeRepeated) {
  const auto id = to_text(one->engine.add_run(true));
  for (const auto weather : {link_hub::weather::cut_before, link_hub::weather::cut_after}) {
    one->engine.starts.clear();
    two->maker.headers.clear();
    hub.now = weather;
    hub.asked = 0;
    const auto lost = (*two)("POST", execute, "{}");
    EXPECT_EQ(lost.status, 503u);
    EXPECT_EQ(text_of(lost, "code"), "leadership_lost");
    EXPECT_NE(text_of(lost, "hint").find("Idempotency-Key"), std::string::npos);
    EXPECT_EQ(header_of(lost, "Retry-After"), "1");
    EXPECT_EQ(hub.asked, 1);
    const std::size_t begun = weather == link_hub::weather::cut_after ? 1 : 0;
    EXPECT_EQ(one->engine.starts.size(), begun);

    two->maker.headers = {{"idempotency-key", "k"}};
    EXPECT_EQ(text_of((*two)("POST", "/api/v1/executions/" + id + "/cancel", "{}"), "code"),
              "leadership_lost")
        << "a key means nothing to a cancel";
    for (const auto& [verb, target] :
         {std::pair{"POST", execute}, std::pair{"GET", "/api/v1/executions/" + id}}) {
      hub.now = weather;
      hub.asked = 0;
      auto answer = two->ask(two->maker.make(verb, target));
      EXPECT_TRUE(eventually([&] { return hub.asked >= 2; }));
      hub.now = link_hub::weather::fine;
      EXPECT_LT(answer.get().status, 300u) << verb;
    }
    for (const auto& start : one->engine.starts)
      EXPECT_TRUE(start.idempotency_key == "k" || begun == 1);
  }
}

TEST_F(Relay, ALeadershipLostMeanwhileIsToldOrRepeated) {
  std::atomic<int> failures{1};
  one->engine.led_elsewhere = [&]() -> std::optional<failure> {
    return failures-- > 0 ? std::optional(leadership_lost()) : std::nullopt;
  };
  const auto out = (*two)("POST", execute, "{}");
  EXPECT_EQ(out.status, 503u);
  EXPECT_EQ(text_of(out, "code"), "leadership_lost");
  EXPECT_EQ(header_of(out, "Retry-After"), "1");
  failures = 1;
  two->maker.headers = {{"idempotency-key", "k"}};
  EXPECT_EQ((*two)("POST", execute, "{}").status, 202u);
  failures = 1;
  EXPECT_EQ((*one)("POST", execute, "{}").status, 503u) << "here as there";
}

TEST_F(Relay, APartitionThatOpensIsWaitedFor) {
  std::atomic<int> failures{2};
  one->engine.led_elsewhere = [&]() -> std::optional<failure> {
    if (failures-- > 0)
      return failure{failure_kind::unavailable, "opening", "the node is starting", {}, {}};
    return std::nullopt;
  };
  EXPECT_EQ((*two)("POST", execute, "{}").status, 202u);
  failures = 2;
  EXPECT_EQ((*one)("POST", execute, "{}").status, 202u);
}

TEST_F(Relay, CarriesLargeBodiesThereAndBack) {
  byte_budget budget{std::uint64_t{1} << 30};
  gateway_settings how;
  how.budget = &budget;
  open(how);
  const std::string text(15u << 20, 'x');
  const auto out = (*two)("POST", execute, R"({"input_data":{"text":")" + text + "\"}}");
  EXPECT_EQ(out.status, 202u);
  ASSERT_EQ(one->engine.starts.size(), 1u);
  EXPECT_EQ(json::text_or(*one->engine.starts[0].input, "text", "").size(), text.size());
  const auto run = one->engine.add_run(true, R"({"output":")" + text + "\"}");
  EXPECT_EQ((*two)("GET", "/api/v1/executions/" + to_text(run)).body.size(), text.size() + 13);
  EXPECT_EQ((*two)("POST", "/api/v1/reviews/action", std::string(2u << 20, ' ')).status, 413u);
  one->engine.starts.clear();
  two->last.reset();
  one.reset();
  two.reset();
  three.reset();
  EXPECT_EQ(budget.used(), 0u);
}

TEST_F(Relay, ClientsCannotPassForNodes) {
  two->maker.headers = {{"troupe-relayed", "9"}};
  EXPECT_EQ((*two)("POST", execute, "{}").status, 202u);
  EXPECT_EQ(hub.asked, 1);
  one->leader = 0;
  one->maker.headers = {{"troupe-relayed", "1"}};
  auto answer = one->ask(one->maker.make("POST", execute, "{}"));
  EXPECT_TRUE(eventually([&] { return one->questions >= 3; })) << "it is not turned away";
  one->leader = 1;
  EXPECT_EQ(answer.get().status, 202u);
}

TEST_F(Relay, PasswordsAreCheckedWhereItIsServed) {
  gateway_settings how;
  how.password = "right";
  open(how);
  two->maker.headers = {{"authorization", "Bearer right"}};
  EXPECT_EQ((*two)("POST", execute, "{}").status, 202u);
  // Bytes of a node whose clients need no password.
  std::promise<gate::relayed_answer> got;
  hub.ask(2, 1, gate::encode_request(two->maker.make("POST", execute, "{}"), {}, {}),
          std::chrono::seconds(5),
          [&](const result<std::string>& bytes) { got.set_value(*gate::decode_answer(*bytes)); });
  EXPECT_EQ(std::get<http::response>(got.get_future().get()).status, 401u);
}

TEST_F(Relay, ForeignBytesAreRefused) {
  for (const auto& bytes : {std::string(), std::string("\x07"), std::string(100, '\x01')}) {
    std::promise<std::string> got;
    hub.ask(2, 1, bytes, std::chrono::seconds(5),
            [&](const result<std::string>& answer) { got.set_value(*answer); });
    const auto answer = gate::decode_answer(got.get_future().get());
    ASSERT_TRUE(answer);
    EXPECT_TRUE(std::holds_alternative<failure>(*answer));
  }
  hub.put(1, [](std::uint64_t, const std::string&, const node_link::answer& back) {
    back(std::string("nonsense"));
  });
  EXPECT_EQ((*two)("POST", execute, "{}").status, 502u);
}

TEST_F(Relay, WaitsAsLongAsItsClient) {
  using std::chrono::seconds;
  EXPECT_EQ((*two)("POST", execute, "{}").status, 202u);
  EXPECT_EQ(hub.last_patience(), seconds(30));
  (*two)("POST", execute + "?wait=60", "{}");
  EXPECT_EQ(hub.last_patience(), seconds(90));
  (*two)("POST", "/api/v1/skill-providers/w1/poll", R"({"wait_seconds":120})");
  EXPECT_EQ(hub.last_patience(), seconds(150));
  (*two)("POST", "/api/v1/skill-providers/w1/poll", R"({"wait_seconds":1e300})");
  EXPECT_EQ(hub.last_patience(), seconds(3'630));
}

TEST_F(Relay, AskedAgainTheClientFindsWhatItWasTold) {
  EXPECT_EQ((*two)("PUT", "/api/v1/workflows/w", relayed_steps).status, 200u);
  ASSERT_EQ(two->engine.last_positions.size(), 1u) << "the own catalogue comes first";
  EXPECT_EQ(number(two->engine.last_positions[0].partition), 0);
  EXPECT_EQ(two->engine.last_positions[0].index, 2u);

  EXPECT_EQ((*two)("POST", execute, "{}").status, 202u);
  EXPECT_EQ(gate::decode_request(hub.last())->facts.control_told, 2u);

  two->engine.queries.clear();
  EXPECT_EQ((*two)("GET", "/api/v1/executions").status, 200u);
  ASSERT_EQ(two->engine.queries.size(), 2u) << "first the start is waited for";
  two->engine.queries.clear();
  EXPECT_EQ((*two)("GET", "/api/v1/executions").status, 200u);
  EXPECT_EQ(two->engine.queries.size(), 1u) << "once it is there, it is there";
}

} // namespace
} // namespace troupe::test

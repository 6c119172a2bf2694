#include "actors/gateway/gateway.hpp"

#include "tests/support/fake_engine.hpp"
#include "tests/support/fake_http.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using namespace test;

struct Socket : ::testing::Test {
  fake_engine engine;
  std::unique_ptr<gateway> made;
  fake_client client;
  std::shared_ptr<fake_socket> socket;
  http::websocket_events events;

  /// The status of a refusal, or 101.
  unsigned connect(std::string target) {
    socket = std::make_shared<fake_socket>();
    auto decision = client.handle.upgrade(client.make("GET", std::move(target)), socket);
    if (auto* refused = std::get_if<http::response>(&decision))
      return refused->status;
    events = std::get<http::websocket_events>(std::move(decision));
    return 101;
  }
  void open(std::string password) {
    gateway_settings settings;
    settings.password = std::move(password);
    settings.socket_subscriptions_max = 2;
    made = make_gateway(engine, settings);
    client.handle = made->handlers();
  }
  std::string ask(std::string text) {
    events.message(text);
    return socket->texts.empty() ? "" : socket->texts.back();
  }
  void SetUp() override { open(""); }
};

TEST_F(Socket, ClosesWithoutOrWithAWrongToken) {
  open("right");
  EXPECT_EQ(connect("/ws"), 101u);
  EXPECT_EQ(socket->code, 4001);
  EXPECT_EQ(connect("/ws?token=wrong"), 101u);
  EXPECT_EQ(socket->code, 4003);
  EXPECT_EQ(connect("/ws?token=right"), 101u);
  EXPECT_EQ(socket->code, 0);
  client.headers = {{"authorization", "Bearer right"}};
  EXPECT_EQ(connect("/ws/worker"), 101u);
  EXPECT_EQ(socket->code, 0);
}

TEST_F(Socket, RefusesForeignOriginsAndOtherPaths) {
  client.headers = {{"origin", "https://evil.example"}, {"host", "localhost:7070"}};
  EXPECT_EQ(connect("/ws"), 403u);
  client.headers = {{"origin", "http://localhost:7070"}, {"host", "localhost:7070"}};
  EXPECT_EQ(connect("/ws"), 101u);
  EXPECT_EQ(connect("/health"), 400u);
}

TEST_F(Socket, StaysOpenAfterBadMessages) {
  ASSERT_EQ(connect("/ws"), 101u);
  for (const auto bad :
       {"{", "[]", "{}", R"({"method":"nope"})", R"({"method":"subscribe_execution","data":[]})",
        R"({"method":"subscribe_execution","data":{"execution_id":7}})"})
    EXPECT_NE(ask(bad).find(R"("success":false)"), std::string::npos) << bad;
  EXPECT_EQ(ask(R"({"method":"heartbeat","id":7})"),
            R"({"method":"heartbeat","success":true,"id":7,"data":"pong"})");
  EXPECT_EQ(socket->code, 0);
}

TEST_F(Socket, ResumesAnExecutionAfterTheLastSeenEvent) {
  const auto run = engine.add_run(false);
  engine.runs[run].events = {R"({"seq":1})", R"({"seq":2})"};
  ASSERT_EQ(connect("/ws"), 101u);
  const auto id = to_text(run);
  const auto last =
      ask(R"({"method":"subscribe_execution","data":{"execution_id":")" + id + R"(","since":1}})");
  EXPECT_EQ(last, R"({"method":"execution_event","success":true,"channel":"execution:)" + id +
                      R"(","data":{"execution_id":")" + id + R"(","seq":2}})");
  EXPECT_EQ(socket->texts.size(), 2u);
  EXPECT_EQ(engine.subscribers.size(), 1u);
  ask(R"({"method":"unsubscribe","data":{"execution_id":")" + id + "\"}}");
  EXPECT_TRUE(engine.subscribers.empty());
}

TEST_F(Socket, EndsSubscriptionsWithTheConnection) {
  const auto run = engine.add_run(false);
  ASSERT_EQ(connect("/ws"), 101u);
  ask(R"({"method":"subscribe_execution","data":{"execution_id":")" + to_text(run) + "\"}}");
  EXPECT_EQ(engine.subscribers.size(), 1u);
  events.closed();
  EXPECT_TRUE(engine.subscribers.empty());
}

TEST_F(Socket, BoundsSubscriptions) {
  ASSERT_EQ(connect("/ws"), 101u);
  std::string last;
  for (int i = 0; i < 3; ++i)
    last = ask(R"({"method":"subscribe_execution","data":{"execution_id":")" +
               to_text(engine.add_run(false)) + "\"}}");
  EXPECT_NE(last.find("too_many_subscriptions"), std::string::npos);
}

TEST_F(Socket, AnUnsubscribeRightBehindItsSubscribeEndsIt) {
  const auto run = engine.add_run(false);
  const auto data = R"("data":{"execution_id":")" + to_text(run) + "\"}}";
  ASSERT_EQ(connect("/ws"), 101u);
  engine.hold_events = true;
  ask(R"({"method":"subscribe_execution","id":1,)" + data);
  EXPECT_EQ(ask(R"({"method":"unsubscribe","id":2,)" + data),
            R"({"method":"unsubscribe","success":true,"channel":"execution:)" + to_text(run) +
                R"(","id":2})");
  ASSERT_EQ(engine.held_events.size(), 1u);
  engine.held_events[0]();
  EXPECT_TRUE(engine.subscribers.empty());
  EXPECT_NE(socket->texts.back().find("subscription_overtaken"), std::string::npos)
      << socket->texts.back();
}

TEST_F(Socket, TheLastOfSeveralSubscriptionsStays) {
  const auto run = engine.add_run(false);
  const auto data = R"("data":{"execution_id":")" + to_text(run) + "\"}}";
  ASSERT_EQ(connect("/ws"), 101u);
  engine.hold_events = true;
  ask(R"({"method":"subscribe_execution",)" + data);
  ask(R"({"method":"unsubscribe",)" + data);
  ask(R"({"method":"subscribe_execution",)" + data);
  ASSERT_EQ(engine.held_events.size(), 2u);
  engine.held_events[1]();
  EXPECT_EQ(engine.subscribers.size(), 1u);
  engine.held_events[0]();
  EXPECT_EQ(engine.subscribers.size(), 1u) << "the first answer comes late and changes nothing";
}

TEST_F(Socket, ASubscriptionThatCannotBeMadeTakesNoPlace) {
  const auto gone = engine.add_run(false);
  engine.runs.erase(gone);
  ASSERT_EQ(connect("/ws"), 101u);
  for (int i = 0; i < 5; ++i)
    EXPECT_NE(
        ask(R"({"method":"subscribe_execution","data":{"execution_id":")" + to_text(gone) + "\"}}")
            .find("execution_not_found"),
        std::string::npos);
  for (int i = 0; i < 2; ++i)
    ask(R"({"method":"subscribe_execution","data":{"execution_id":")" +
        to_text(engine.add_run(false)) + "\"}}");
  EXPECT_EQ(engine.subscribers.size(), 2u);
}

TEST_F(Socket, CarriesTheMessagesOfWorkers) {
  ASSERT_EQ(connect("/ws/worker"), 101u);
  EXPECT_NE(ask(R"({"method":"poll","data":{}})").find(R"("success":false)"), std::string::npos);
  EXPECT_NE(ask(R"({"method":"register","id":1,"data":{"name":"w","skills":[]}})")
                .find(R"("token":"secret")"),
            std::string::npos);
  EXPECT_NE(ask(R"({"method":"poll","data":{}})").find(R"("tasks":[])"), std::string::npos);
  EXPECT_NE(ask(R"({"method":"fail","data":{"task_id":"t","token":"x"}})").find(R"("code":"gone")"),
            std::string::npos);
  events.closed();
  EXPECT_TRUE(engine.gone_workers.contains("w1"));
}

} // namespace
} // namespace troupe

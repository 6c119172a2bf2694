// Streams and WebSockets of executions and workers that other nodes serve.
#include "tests/gateway/relay_fixture.hpp"
#include "tests/support/eventually.hpp"

namespace troupe::test {
namespace {

using RelayStream = Relay;

TEST_F(RelayStream, StreamsARunThatBeganElsewhereFromHere) {
  two->maker.headers = {{"accept", "text/event-stream"}};
  const auto out = (*two)("POST", execute, "{}");
  EXPECT_EQ(out.status, 200u);
  EXPECT_EQ(header_of(out, "Content-Type"), "text/event-stream");
  EXPECT_EQ(header_of(out, "Troupe-Position"), "3:17");
  ASSERT_EQ(one->engine.starts.size(), 1u);
  EXPECT_TRUE(one->engine.subscribers.empty());
  EXPECT_TRUE(eventually(
      [&] { return two->last->stream->text().find("execution_started") != std::string::npos; }));
  two->last->stream->end();

  const auto invalid = (*two)("POST", "/api/v1/workflows/none/execute", "{}");
  EXPECT_EQ(invalid.status, 404u);
}

TEST_F(RelayStream, FollowsARunOfAnotherNode) {
  const auto run = one->engine.add_run(false);
  two->engine.runs[run].events = {R"({"seq":1})", R"({"seq":2})"}; // the replica
  two->maker.headers = {{"last-event-id", "1"}};
  const auto out = (*two)("GET", "/api/v1/executions/" + to_text(run) + "/stream");
  EXPECT_EQ(out.status, 200u) << out.body;
  EXPECT_TRUE(eventually([&] {
    const auto text = two->last->stream->text();
    return text.find(R"({"seq":2})") != std::string::npos;
  }));
  EXPECT_EQ(two->last->stream->text().find(R"({"seq":1})"), std::string::npos);
  two->last->stream->end();
  const auto none = (*two)("GET", "/api/v1/executions/0190b2f0-0000-7003-8000-000000000001/stream");
  EXPECT_EQ(none.status, 404u);
}

/// A socket that other threads write to.
class kept_socket final : public http::websocket {
public:
  bool send(std::string text) override {
    const std::lock_guard lock(mutex_);
    texts_.push_back(std::move(text));
    return true;
  }
  void close(std::uint16_t, std::string) override {}
  /// The n-th text, once it is there.
  std::string at(std::size_t n) {
    EXPECT_TRUE(eventually([&] {
      const std::lock_guard lock(mutex_);
      return texts_.size() > n;
    }));
    const std::lock_guard lock(mutex_);
    return n < texts_.size() ? texts_[n] : "";
  }

private:
  std::mutex mutex_;
  std::vector<std::string> texts_;
};

struct RelaySocket : Relay {
  std::shared_ptr<kept_socket> socket = std::make_shared<kept_socket>();
  http::websocket_events events;

  void connect(std::string target) {
    auto decision = two->maker.handle.upgrade(two->maker.make("GET", std::move(target)), socket);
    ASSERT_TRUE(std::holds_alternative<http::websocket_events>(decision));
    events = std::get<http::websocket_events>(std::move(decision));
  }
};

TEST_F(RelaySocket, WorkersAreServedThroughAnyNode) {
  gateway_settings how;
  how.password = "right";
  open(how);
  connect("/ws/worker?token=right");
  events.message(R"({"method":"register","data":{"name":"w","skills":[{"skill_type":"x"}]}})");
  const auto registered = json::parse(socket->at(0));
  ASSERT_TRUE(registered);
  ASSERT_NE(json::find(*registered, "data"), nullptr) << socket->at(0);
  EXPECT_EQ(json::text_or(*json::find(*registered, "data"), "token", ""), "secret");
  events.message(R"({"method":"poll","id":7,"data":{"wait_seconds":30}})");
  EXPECT_EQ(socket->at(1), R"({"method":"poll","success":true,"id":7,"data":{"tasks":[]}})");
  EXPECT_EQ(hub.last_patience(), std::chrono::seconds(60));
  events.message(R"({"method":"poll","data":{"worker_id":"w1","max_tasks":0}})");
  EXPECT_NE(socket->at(2).find(R"("success":false)"), std::string::npos) << "as the route says";
  events.closed();
  EXPECT_TRUE(eventually([&] { return hub.asked == 4; }));
  two.reset();
  one->made.reset(); // ends the threads that serve
  EXPECT_TRUE(one->engine.gone_workers.contains("w1"));
}

TEST_F(RelaySocket, ExecutionsOfOtherNodesAreFollowedFromHere) {
  const auto run = one->engine.add_run(false);
  const auto id = to_text(run);
  two->engine.runs[run].events = {R"({"seq":1})"}; // the replica
  connect("/ws");
  events.message(R"({"method":"subscribe_execution","data":{"execution_id":")" + id + R"("}})");
  EXPECT_NE(socket->at(0).find(R"("success":true)"), std::string::npos) << socket->at(0);
  EXPECT_NE(socket->at(1).find(R"("seq":1)"), std::string::npos);
  events.message(R"({"method":"subscribe_execution","data":)"
                 R"({"execution_id":"0190b2f0-0000-7003-8000-000000000001"}})");
  EXPECT_NE(socket->at(2).find("execution_not_found"), std::string::npos) << socket->at(2);
  events.closed();
}

} // namespace
} // namespace troupe::test

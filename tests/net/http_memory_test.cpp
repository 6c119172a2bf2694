// Bodies and a budget of bytes that is nearly used up.
#include "tests/net/test_server.hpp"
#include "tests/support/raw_socket.hpp"

#include <gtest/gtest.h>

namespace troupe::test {

namespace {

using namespace std::chrono_literals;

constexpr std::size_t budget_bytes = 1u << 20;

std::string post(std::string_view path, std::size_t length) {
  return "POST " + std::string(path) +
         " HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(length) + "\r\n\r\n";
}

struct HttpMemory : ::testing::Test {
  byte_budget budget{budget_bytes};
  byte_claim others{&budget, budget_kind::runs};
  std::unique_ptr<test_server> server;

  void start(std::chrono::milliseconds pause_max = 5'000ms) {
    http::server_options options;
    options.budget = &budget;
    options.limits.body_pause_max = pause_max;
    server = std::make_unique<test_server>(std::move(options));
  }
  std::uint64_t waiting() const { return server->running->counters().bodies_waiting; }
  bool becomes_empty() {
    return eventually([&] { return budget.used() == others.bytes() && waiting() == 0; });
  }
};

} // namespace

TEST_F(HttpMemory, ALargeBodyWaitsAndGoesOnWhenThereIsRoom) {
  start();
  others.set(budget_bytes);
  const std::string body(200'000, 'b');
  auto large = raw_socket::to_port(server->port());
  large.send(post("/echo", body.size()) + body);
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  EXPECT_LT(budget.used(budget_kind::bodies), 100'000u) << "it is not read on";

  auto other = raw_socket::to_port(server->port());
  other.send("GET /health HTTP/1.1\r\nHost: a\r\n\r\n");
  EXPECT_NE(other.read_answer().find("GET /health"), std::string::npos);
  other.send(post("/small", 3) + "abc");
  EXPECT_NE(other.read_answer().find("[abc]"), std::string::npos);
  EXPECT_EQ(waiting(), 1u);

  others.set(0);
  EXPECT_NE(large.read_answer().find("[" + body + "]"), std::string::npos);
  EXPECT_GE(budget.bodies_paused.load(), 1u);
  EXPECT_EQ(budget.bodies_refused.load(), 0u);
  EXPECT_TRUE(becomes_empty());
}

TEST_F(HttpMemory, ABodyThatWaitsTooLongIsRefused) {
  start(300ms);
  others.set(budget_bytes);
  auto large = raw_socket::to_port(server->port());
  large.send(post("/echo", 200'000) + std::string(200'000, 'b'));
  const auto answer = large.read_all();
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 503 ")) << answer;
  EXPECT_NE(answer.find("over_capacity"), std::string::npos) << answer;
  EXPECT_EQ(budget.bodies_refused.load(), 1u);
  EXPECT_TRUE(becomes_empty());
}

TEST_F(HttpMemory, AChunkedBodyWaitsToo) {
  start();
  others.set(budget_bytes);
  auto peer = raw_socket::to_port(server->port());
  peer.send("POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  others.set(0);
  peer.send("0\r\n\r\n");
  EXPECT_NE(peer.read_answer().find("[abc]"), std::string::npos);
}

TEST_F(HttpMemory, WhatEndsWorkIsReadAllTheSame) {
  start(60'000ms);
  others.set(budget_bytes);
  const std::string body(300'000, 'o');
  std::vector<raw_socket> peers;
  for (int i = 0; i < 4; ++i) {
    peers.push_back(raw_socket::to_port(server->port()));
    peers.back().send(post("/outcome", body.size()) + body);
  }
  for (auto& peer : peers)
    EXPECT_NE(peer.read_answer().find("[" + body + "]"), std::string::npos);
  EXPECT_TRUE(becomes_empty());
}

TEST_F(HttpMemory, BodiesThatFillTheBudgetByThemselvesComeToTheirEndOneByOne) {
  start(60'000ms);
  const std::string half(400'000, 'h');
  std::vector<raw_socket> peers;
  for (int i = 0; i < 6; ++i) {
    peers.push_back(raw_socket::to_port(server->port()));
    peers.back().send(post("/json", 2 * half.size()) + half.substr(0, 200'000));
  }
  std::vector<std::thread> senders;
  for (auto& peer : peers)
    senders.emplace_back([&] {
      peer.send(half.substr(200'000));
      peer.send(half);
    });
  for (auto& peer : peers)
    EXPECT_TRUE(peer.read_answer().starts_with("HTTP/1.1 200 "));
  for (auto& sender : senders)
    sender.join();
  EXPECT_GE(budget.bodies_paused.load(), 1u);
  // A body that is read counts three times; all six at once would be 14.4 million.
  EXPECT_LT(budget.high(), 3 * (budget_bytes + 2 * 800'000u));
  EXPECT_TRUE(becomes_empty());
}

TEST_F(HttpMemory, NothingIsKeptOfPeersThatGo) {
  start();
  {
    auto gone = raw_socket::to_port(server->port());
    gone.send(post("/echo", 500'000) + std::string(300'000, 'x'));
    ASSERT_TRUE(eventually([&] { return budget.used(budget_kind::bodies) > 250'000; }));
    gone.reset();
  }
  EXPECT_TRUE(becomes_empty());
  others.set(budget_bytes);
  auto half = raw_socket::to_port(server->port());
  half.send(post("/echo", 500'000) + std::string(1'000, 'x'));
  ASSERT_TRUE(eventually([&] { return waiting() == 1; }));
  half.close();
  others.set(0);
  EXPECT_TRUE(becomes_empty());
}

TEST_F(HttpMemory, SubscribersCountWhatWaitsForThem) {
  start();
  auto reader = raw_socket::to_port(server->port());
  reader.send("GET /stream HTTP/1.1\r\nHost: a\r\n\r\n");
  const auto stream = server->stream();
  for (int i = 0; i < 40; ++i)
    stream->write(std::string(100'000, 's')); // more than the sockets' buffers take
  EXPECT_GT(budget.high(budget_kind::streams), 99'000u);
  reader.close();
  EXPECT_TRUE(becomes_empty());
}

} // namespace troupe::test

// Connections that are slow, many, half-closed, aborted or long.
#include "tests/net/test_server.hpp"
#include "tests/support/raw_socket.hpp"

#include <gtest/gtest.h>

#include <sys/resource.h>

#include <cstdlib>

namespace troupe::test {

namespace {

using namespace std::chrono_literals;

std::string get(std::string_view path, std::string_view more = {}) {
  return "GET " + std::string(path) + " HTTP/1.1\r\nHost: a\r\n" + std::string(more) + "\r\n";
}

http::server_options impatient() {
  http::server_options options;
  options.limits.header_timeout = 300ms;
  options.limits.body_timeout = 300ms;
  options.limits.idle_timeout = 300ms;
  options.limits.write_timeout = 300ms;
  return options;
}

} // namespace

TEST(HttpConnection, TimesOutSlowHeadsAndBodies) {
  const test_server server(impatient());
  for (const std::string start :
       {"GET / HT", "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nab"}) {
    auto peer = raw_socket::to_port(server.port());
    peer.send(start);
    const auto answer = peer.read_all();
    EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
    EXPECT_TRUE(peer.ended());
  }
}

TEST(HttpConnection, EndsASlowLorisThatNeverStopsSending) {
  const test_server server(impatient());
  auto peer = raw_socket::to_port(server.port());
  std::string answer;
  for (int i = 0; i < 100 && answer.empty(); ++i) {
    peer.send("a");
    answer = peer.read_some(20);
  }
  EXPECT_TRUE(answer.starts_with("HTTP/1.1 408 ")) << answer;
}

TEST(HttpConnection, ClosesIdleAndSilentConnectionsWithoutAWord) {
  const test_server server(impatient());
  auto silent = raw_socket::to_port(server.port());
  EXPECT_EQ(silent.read_all(), "");
  EXPECT_TRUE(silent.ended());
  auto idle = raw_socket::to_port(server.port());
  idle.send(get("/"));
  idle.read_answer();
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.ended());
}

TEST(HttpConnection, CutsAReaderThatStops) {
  const test_server server(impatient());
  auto peer = raw_socket::to_port(server.port());
  peer.send(get("/large"));
  EXPECT_TRUE(eventually([&] { return server.running->counters().bytes_buffered > 0; }));
  EXPECT_TRUE(eventually([&] { return server.running->counters().connections_open == 0; }));
  EXPECT_EQ(server.running->counters().bytes_buffered, 0u);
}

TEST(HttpConnection, AnswersAPeerThatClosedItsSendingHalf) {
  const test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send(get("/thread") + get("/second"));
  peer.end_sending();
  const auto answers = peer.read_all();
  EXPECT_NE(answers.find("from a thread"), std::string::npos);
  EXPECT_NE(answers.find("GET /second"), std::string::npos);
  EXPECT_TRUE(peer.ended());
}

TEST(HttpConnection, TellsTheHandlerOfAPeerThatWentAway) {
  test_server server;
  for (const bool hard : {false, true}) {
    auto peer = raw_socket::to_port(server.port());
    peer.send(get("/never"));
    ASSERT_TRUE(eventually([&] {
      const std::lock_guard lock(server.mutex);
      return server.waiting.size() == (hard ? 2u : 1u);
    }));
    EXPECT_EQ(server.aborts, hard ? 1 : 0);
    hard ? peer.reset() : peer.close();
    EXPECT_TRUE(eventually([&] { return server.aborts == (hard ? 2 : 1); }));
  }
  for (auto& to : server.waiting)
    to->send({200, {}, "too late", {}});
  EXPECT_TRUE(eventually([&] { return server.running->counters().connections_open == 0; }));
}

TEST(HttpConnection, HoldsManyIdleConnectionsInLittleMemory) {
  const bool is_long = std::getenv("TROUPE_LONG") != nullptr;
  const std::size_t wanted = is_long ? 10'000 : 1'000;
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  files.rlim_cur = files.rlim_max;
  setrlimit(RLIMIT_NOFILE, &files);
  if (files.rlim_cur < 2 * wanted + 100)
    GTEST_SKIP() << "the descriptor limit is too low";
  http::server_options options;
  options.limits.connections_max = wanted + 1;
  const test_server server(options);
  std::vector<raw_socket> peers;
  for (std::size_t i = 0; i < wanted; ++i) {
    peers.push_back(raw_socket::to_port(server.port()));
    ASSERT_TRUE(peers.back().connected());
    peers.back().send(get("/"));
    ASSERT_TRUE(peers.back().read_answer().ends_with("GET / []"));
  }
  EXPECT_EQ(server.running->counters().connections_open, wanted);
  // A peer can read its answer before the server has let the buffer go.
  EXPECT_TRUE(eventually([&] { return server.running->counters().bytes_buffered == 0; }));
  for (auto& peer : peers)
    peer.send(get("/again"));
  for (auto& peer : peers)
    EXPECT_TRUE(peer.read_answer().ends_with("GET /again []"));
}

TEST(HttpConnection, RefusesConnectionsOverTheCap) {
  http::server_options options;
  options.limits.connections_max = 2;
  const test_server server(options);
  std::vector<raw_socket> peers;
  for (int i = 0; i < 2; ++i) {
    peers.push_back(raw_socket::to_port(server.port()));
    peers.back().send(get("/"));
    EXPECT_TRUE(peers.back().read_answer().starts_with("HTTP/1.1 200 "));
  }
  auto third = raw_socket::to_port(server.port());
  third.send(get("/"));
  EXPECT_TRUE(third.read_all().starts_with("HTTP/1.1 503 "));
  third.close();
  peers.pop_back();
  EXPECT_TRUE(eventually([&] { return server.running->counters().connections_open == 1; }));
  auto fourth = raw_socket::to_port(server.port());
  fourth.send(get("/"));
  EXPECT_TRUE(fourth.read_answer().starts_with("HTTP/1.1 200 "));
  EXPECT_EQ(server.running->counters().connections_refused, 1u);
}

TEST(HttpConnection, SendsHeadsWithoutBodiesAndNoSplitHeaders) {
  const test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send("HEAD /json HTTP/1.1\r\nHost: a\r\n\r\n" + get("/split"));
  EXPECT_NE(peer.read_until("\r\n\r\n").find("Content-Length: 4096"), std::string::npos);
  const auto split = peer.read_answer();
  EXPECT_TRUE(split.starts_with("HTTP/1.1 200 ")) << split;
  EXPECT_EQ(split.find("Injected"), std::string::npos);
}

TEST(HttpConnection, CompressesWhenAsked) {
  const test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send(get("/json", "Accept-Encoding: br, gzip;q=0.5\r\n"));
  const auto packed = peer.read_answer();
  EXPECT_NE(packed.find("Content-Encoding: gzip"), std::string::npos);
  EXPECT_LT(packed.size(), 1000u);
  for (const char* header : {"", "Accept-Encoding: gzip;q=0\r\n", "Accept-Encoding: br\r\n"}) {
    peer.send(get("/json", header));
    const auto plain = peer.read_answer();
    EXPECT_GT(plain.size(), 4096u);
    EXPECT_NE(plain.find("Vary: Accept-Encoding"), std::string::npos);
  }
}

TEST(HttpStream, SendsChunksAndKeepsTheConnection) {
  test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send(get("/stream"));
  EXPECT_NE(peer.read_until("\r\n\r\n").find("Transfer-Encoding: chunked"), std::string::npos);
  EXPECT_TRUE(server.stream()->write("data: 1\n\n"));
  EXPECT_EQ(peer.read_until("\n\n\r\n"), "9\r\ndata: 1\n\n\r\n");
  server.stream()->close();
  EXPECT_EQ(peer.read_until("0\r\n\r\n"), "0\r\n\r\n");
  EXPECT_FALSE(server.stream()->write("more"));
  EXPECT_TRUE(eventually([&] { return server.streams_closed == 1; }));
  peer.send(get("/"));
  EXPECT_TRUE(peer.read_answer().ends_with("GET / []"));
}

TEST(HttpStream, EndsWhenThePeerLeaves) {
  test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send(get("/stream"));
  peer.read_until("\r\n\r\n");
  peer.close();
  EXPECT_TRUE(eventually([&] { return server.streams_closed == 1; }));
  EXPECT_FALSE(server.stream()->open());
}

TEST(HttpStream, DropsAReaderThatStops) {
  test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send(get("/stream"));
  peer.read_until("\r\n\r\n");
  const std::string piece(64u << 10, 'x');
  std::size_t taken = 0;
  while (taken < (64u << 20) && server.stream()->write(piece))
    taken += piece.size();
  EXPECT_LT(taken, 32u << 20);
  EXPECT_TRUE(eventually([&] { return server.streams_closed == 1; }));
  EXPECT_TRUE(eventually([&] { return server.running->counters().connections_open == 0; }));
  EXPECT_EQ(server.running->counters().bytes_buffered, 0u);
}

TEST(HttpServer, AnswersWhatIsUnderWayBeforeItStops) {
  test_server server;
  auto idle = raw_socket::to_port(server.port());
  idle.send(get("/"));
  idle.read_answer();
  auto busy = raw_socket::to_port(server.port());
  busy.send(get("/never"));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(server.mutex);
    return server.waiting.size() == 1;
  }));
  std::thread stopper([&] { server.running->stop(5s); });
  EXPECT_EQ(idle.read_all(), "");
  EXPECT_TRUE(idle.ended());
  server.waiting[0]->send({200, {}, "last", {}});
  EXPECT_TRUE(busy.read_all().ends_with("last"));
  busy.close();
  stopper.join();
  EXPECT_FALSE(raw_socket::to_port(server.port()).connected());
  EXPECT_EQ(server.running->counters().connections_open, 0u);
}

TEST(HttpServer, LetsRespondersOutliveIt) {
  test_server server;
  auto peer = raw_socket::to_port(server.port());
  peer.send(get("/never"));
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(server.mutex);
    return server.waiting.size() == 1;
  }));
  server.running.reset();
  EXPECT_EQ(server.aborts, 1);
  server.waiting[0]->send({200, {}, "nobody listens", {}});
  server.waiting.clear();
  EXPECT_EQ(peer.read_all(), "");
}

TEST(HttpServer, SaysWhenItCannotStart) {
  const test_server first;
  http::server_options taken;
  taken.port = first.port();
  EXPECT_EQ(http::start_server(taken, {}).error().code, "bind_failed");
  http::server_options no_key;
  no_key.tls = {"/nowhere.crt", "/nowhere.key"};
  EXPECT_EQ(http::start_server(no_key, {}).error().code, "tls_failed");
}

} // namespace troupe::test

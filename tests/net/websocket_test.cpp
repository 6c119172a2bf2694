// RFC 6455 as RELIABILITY.md S13 asks: frames, right and wrong, and what comes back.
#include "tests/net/test_server.hpp"
#include "tests/support/raw_websocket.hpp"

#include <gtest/gtest.h>

namespace troupe::test {

namespace {

raw_socket open_socket(const test_server& server) {
  auto peer = raw_socket::to_port(server.port());
  peer.send(upgrade_request);
  const auto head = peer.read_until("\r\n\r\n");
  EXPECT_TRUE(head.starts_with("HTTP/1.1 101 ")) << head;
  EXPECT_NE(head.find("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), std::string::npos);
  EXPECT_NE(head.find("X-Decorated: yes"), std::string::npos);
  return peer;
}

struct wrong_frames {
  const char* name;
  std::string bytes;
  unsigned code;
};

} // namespace

TEST(WebSocket, EchoesTextsAndPongs) {
  test_server server;
  auto peer = open_socket(server);
  peer.send(frame_bytes(1, "hello"));
  EXPECT_EQ(read_frame(peer).payload, "echo hello");
  peer.send(frame_bytes(1, "frag", false) + frame_bytes(9, "ping") + frame_bytes(0, "ment"));
  const auto pong = read_frame(peer);
  EXPECT_EQ(pong.opcode, 10);
  EXPECT_EQ(pong.payload, "ping");
  EXPECT_EQ(read_frame(peer).payload, "echo fragment");
  const std::string large((1u << 20) - 5, 'x');
  peer.send(frame_bytes(1, large));
  std::string back;
  for (auto frame = read_frame(peer); frame.opcode >= 0; frame = read_frame(peer)) {
    back += frame.payload;
    if (frame.final)
      break;
  }
  EXPECT_EQ(back, "echo " + large);
  peer.send(frame_bytes(8, std::string("\x03\xe8", 2)));
  EXPECT_EQ(read_frame(peer).close_code(), 1000u);
  EXPECT_TRUE(eventually([&] { return server.sockets_closed == 1; }));
  EXPECT_FALSE(server.socket()->send("late"));
}

TEST(WebSocket, ClosesOnWrongFramesWithTheirCode) {
  test_server server;
  const std::vector<wrong_frames> rows{
      {"not masked", frame_bytes(1, "a", true, false), 1002},
      {"reserved bit", frame_bytes(1, "a", true, true, 0x40), 1002},
      {"reserved opcode", frame_bytes(3, "a"), 1002},
      {"reserved control opcode", frame_bytes(11, "a"), 1002},
      {"long ping", frame_bytes(9, std::string(126, 'a')), 1002},
      {"fragmented ping", frame_bytes(9, "a", false), 1002},
      {"continuation of nothing", frame_bytes(0, "a"), 1002},
      {"text inside text", frame_bytes(1, "a", false) + frame_bytes(1, "b"), 1002},
      {"close with one byte", frame_bytes(8, "a"), 1002},
      {"close with code 1005", frame_bytes(8, std::string("\x03\xed", 2)), 1002},
      {"bad UTF-8", frame_bytes(1, "\xc0\xaf"), 1007},
      {"surrogate", frame_bytes(1, "\xed\xa0\x80"), 1007},
      {"cut UTF-8", frame_bytes(1, "\xe2\x82"), 1007},
      {"too big", frame_bytes(1, std::string((1u << 20) + 1, 'a')), 1009},
      {"too big in pieces", frame_bytes(1, std::string(1u << 20, 'a'), false) + frame_bytes(0, "a"),
       1009},
      {"binary", frame_bytes(2, "a"), 1003},
  };
  int closed = 0;
  for (const auto& row : rows) {
    SCOPED_TRACE(row.name);
    auto peer = open_socket(server);
    peer.send(row.bytes);
    EXPECT_EQ(read_frame(peer).close_code(), row.code);
    peer.send(frame_bytes(8, ""));
    peer.close();
    ++closed;
    EXPECT_TRUE(eventually([&] { return server.sockets_closed == closed; }));
  }
  EXPECT_EQ(server.running->counters().websockets_open, 0u);
  EXPECT_EQ(server.sockets_closed, closed);
}

TEST(WebSocket, RefusesUpgradesThatAreNotForIt) {
  const test_server server;
  auto wrong_path = raw_socket::to_port(server.port());
  std::string request(upgrade_request);
  wrong_path.send(request.replace(4, 3, "/no"));
  EXPECT_TRUE(wrong_path.read_answer().ends_with("no socket here"));
  auto eager = raw_socket::to_port(server.port());
  eager.send(std::string(upgrade_request) + frame_bytes(1, "early"));
  EXPECT_TRUE(eager.read_answer().starts_with("HTTP/1.1 400 "));
  auto no_key = raw_socket::to_port(server.port());
  no_key.send("GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n");
  EXPECT_TRUE(no_key.read_all().starts_with("HTTP/1.1 4"));
}

TEST(WebSocket, DropsAReaderThatStopsWith1013) {
  test_server server;
  auto peer = open_socket(server);
  const std::string text(64u << 10, 'x');
  std::size_t taken = 0;
  while (taken < (64u << 20) && server.socket()->send(text))
    taken += text.size();
  EXPECT_LT(taken, 32u << 20);
  raw_frame last;
  for (auto frame = read_frame(peer); frame.opcode >= 0; frame = read_frame(peer))
    last = frame;
  EXPECT_EQ(last.close_code(), 1013u);
  peer.close();
  EXPECT_TRUE(eventually([&] { return server.sockets_closed == 1; }));
  EXPECT_EQ(server.running->counters().bytes_buffered, 0u);
}

TEST(WebSocket, PingsAnIdlePeerAndEndsASilentOne) {
  http::server_options options;
  options.limits.idle_timeout = std::chrono::milliseconds(400);
  test_server server(options);
  auto peer = open_socket(server);
  EXPECT_EQ(read_frame(peer).opcode, 9);
  EXPECT_TRUE(eventually([&] { return server.sockets_closed == 1; }));
}

TEST(WebSocket, ClosesWithTheOwnersCodeAndAtStop) {
  test_server server;
  auto peer = open_socket(server);
  server.socket()->send("first");
  server.socket()->close(4001, "bye");
  EXPECT_EQ(read_frame(peer).payload, "first");
  EXPECT_EQ(read_frame(peer).close_code(), 4001u);
  peer.close();
  auto other = open_socket(server);
  // The peer may see the end of the handshake before the server does.
  ASSERT_TRUE(eventually([&] {
    const std::lock_guard lock(server.mutex);
    return server.sockets.size() == 2 && server.sockets.back()->send("open");
  }));
  EXPECT_EQ(read_frame(other).payload, "open");
  std::thread stopper([&] { server.running->stop(std::chrono::seconds(5)); });
  EXPECT_EQ(read_frame(other).close_code(), 1001u);
  other.close();
  stopper.join();
  EXPECT_EQ(server.sockets_closed, 2);
}

} // namespace troupe::test

// The gateway behind the real server, over a socket.
#include "actors/gateway/gateway.hpp"

#include "tests/support/fake_engine.hpp"

#include <gtest/gtest.h>

#include <arpa/inet.h>
#include <netinet/in.h>
#include <sys/socket.h>
#include <unistd.h>

namespace troupe {
namespace {

/// Sends text and reads until the server closes or `enough` has come.
std::string exchange(std::uint16_t port, std::string text, std::string_view enough = {}) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  timeval patience{5, 0};
  ::setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
  sockaddr_in to{};
  to.sin_family = AF_INET;
  to.sin_port = htons(port);
  to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  std::string out;
  if (::connect(fd, reinterpret_cast<sockaddr*>(&to), sizeof to) == 0 &&
      ::send(fd, text.data(), text.size(), MSG_NOSIGNAL) == static_cast<ssize_t>(text.size())) {
    char buffer[4096];
    for (ssize_t n = 0; (n = ::recv(fd, buffer, sizeof buffer, 0)) > 0;)
      if (out.append(buffer, static_cast<std::size_t>(n)); !enough.empty())
        if (out.find(enough) != std::string::npos)
          break;
  }
  ::close(fd);
  return out;
}

std::string message(std::string first_line, std::string headers = {}, std::string body = {}) {
  return first_line + " HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n" + headers +
         (body.empty() ? "" : "Content-Length: " + std::to_string(body.size()) + "\r\n") + "\r\n" +
         body;
}

struct GatewayServer : ::testing::Test {
  test::fake_engine engine;
  std::unique_ptr<gateway> made;
  std::unique_ptr<http::server> server;

  void SetUp() override {
    gateway_settings settings;
    settings.password = "right";
    settings.cors_origins = {"https://a.example"};
    made = make_gateway(engine, settings);
    auto started = http::start_server({}, made->handlers());
    ASSERT_TRUE(started) << started.error().message;
    server = std::move(*started);
  }
};

TEST_F(GatewayServer, AnswersHealthWithItsHeaders) {
  const auto out = exchange(server->port(), message("GET /health"));
  EXPECT_TRUE(out.starts_with("HTTP/1.1 200")) << out;
  EXPECT_NE(out.find("X-Content-Type-Options: nosniff"), std::string::npos) << out;
  EXPECT_NE(out.find(R"("status":"healthy")"), std::string::npos) << out;
}

TEST_F(GatewayServer, RefusesAWrongPasswordBeforeTheBody) {
  const auto out = exchange(server->port(),
                            message("POST /api/v1/workflows",
                                    "Authorization: Bearer wrong\r\nOrigin: https://a.example\r\n"
                                    "Content-Length: 5000000\r\n"));
  EXPECT_TRUE(out.starts_with("HTTP/1.1 401")) << out;
  EXPECT_NE(out.find("Access-Control-Allow-Origin: https://a.example"), std::string::npos) << out;
  EXPECT_NE(out.find("Invalid password"), std::string::npos) << out;
}

TEST_F(GatewayServer, RefusesABodyOverTheLimitOfItsRoute) {
  const auto out = exchange(server->port(),
                            message("POST /api/v1/reviews/action", "Authorization: Bearer right\r\n"
                                                                   "Origin: https://a.example\r\n"
                                                                   "Content-Length: 1048577\r\n"));
  EXPECT_TRUE(out.starts_with("HTTP/1.1 413")) << out;
  EXPECT_NE(out.find("application/problem+json"), std::string::npos) << out;
  EXPECT_NE(out.find("Access-Control-Allow-Origin"), std::string::npos) << out;
}

TEST_F(GatewayServer, StreamsAnExecution) {
  const auto run = engine.add_run(true);
  const auto out =
      exchange(server->port(), message("GET /api/v1/executions/" + to_text(run) + "/stream",
                                       "Authorization: Bearer right\r\n"));
  EXPECT_TRUE(out.starts_with("HTTP/1.1 200")) << out;
  EXPECT_NE(out.find("text/event-stream"), std::string::npos) << out;
  EXPECT_NE(out.find("id: 1\nevent: execution_started\ndata: "), std::string::npos) << out;
}

TEST_F(GatewayServer, ClosesAWebSocketWithoutToken) {
  const std::string close_code("\x0f\xa1", 2); // 4001
  const auto out = exchange(server->port(),
                            "GET /ws HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\n"
                            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                            close_code);
  EXPECT_TRUE(out.starts_with("HTTP/1.1 101")) << out;
  EXPECT_NE(out.find(close_code), std::string::npos);
}

} // namespace
} // namespace troupe

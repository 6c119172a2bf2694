// A client, ways to call it, and a server that answers fixed bytes.
#pragma once

#include "net/client/client.hpp"
#include "tests/net/test_server.hpp"
#include "tests/support/raw_socket.hpp"

#include <gtest/gtest.h>
#include <zlib.h>

namespace troupe::test {

using namespace std::chrono_literals;

inline http::client_options allowing(std::uint16_t port) {
  http::client_options options;
  options.allow = {"127.0.0.1:" + std::to_string(port)};
  return options;
}

inline result<http::incoming_response> fetch(http::client& with, http::outgoing_request what) {
  std::promise<result<http::incoming_response>> promise;
  auto answer = promise.get_future();
  with.start(std::move(what), [&](auto outcome) { promise.set_value(std::move(outcome)); });
  return answer.get();
}

inline result<http::incoming_response> fetch(http::client& with, const std::string& url) {
  http::outgoing_request what;
  what.url = url;
  what.timeout = 5s;
  return fetch(with, std::move(what));
}

inline std::string code_of(const result<http::incoming_response>& outcome) {
  return outcome ? "status " + std::to_string(outcome->status) : outcome.error().code;
}

inline std::string url_of(std::uint16_t port, const std::string& rest = "/") {
  return "http://127.0.0.1:" + std::to_string(port) + rest;
}

// Answers each connection in turn with fixed bytes after its request's head, and keeps the heads.
class scripted_server {
public:
  explicit scripted_server(std::vector<std::string> answers)
      : thread_([this, answers = std::move(answers)] {
          for (const auto& answer : answers) {
            auto peer = listener.accept();
            if (!peer.connected())
              return;
            heads.push_back(peer.read_until("\r\n\r\n"));
            peer.send(answer);
            peer.end_sending();
          }
        }) {}
  ~scripted_server() { join(); }
  void join() {
    if (thread_.joinable())
      thread_.join();
  }
  std::uint16_t port() const { return listener.port(); }
  raw_listener listener;
  std::vector<std::string> heads;

private:
  std::thread thread_;
};

inline std::string answer_with(const std::string& body, const std::string& headers = {}) {
  return "HTTP/1.1 200 OK\r\nContent-Length: " + std::to_string(body.size()) + "\r\n" + headers +
         "\r\n" + body;
}

inline std::string redirect_to(const std::string& url, const std::string& status = "302 Found") {
  return "HTTP/1.1 " + status + "\r\nLocation: " + url + "\r\nContent-Length: 0\r\n\r\n";
}

inline std::string gzip_of(std::size_t zeros) {
  z_stream state{};
  deflateInit2(&state, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
  std::string plain(zeros, '\0'), packed(deflateBound(&state, zeros), '\0');
  state.next_in = reinterpret_cast<Bytef*>(plain.data());
  state.avail_in = static_cast<uInt>(plain.size());
  state.next_out = reinterpret_cast<Bytef*>(packed.data());
  state.avail_out = static_cast<uInt>(packed.size());
  deflate(&state, Z_FINISH);
  packed.resize(state.total_out);
  deflateEnd(&state);
  return packed;
}

} // namespace troupe::test

// A server with small routes that show each behaviour of net/http.
#pragma once

#include "net/http/server.hpp"
#include "tests/support/eventually.hpp"

#include <atomic>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::test {

/// /echo answers verb, path, query and body; /never keeps the responder in `waiting`; /drop drops
/// it; /throw throws; /stream keeps the stream in `streams`; /large answers 8 MiB; /json 4 KiB;
/// /outcome is urgent.
struct test_server {
  explicit test_server(http::server_options options = {}) {
    http::handlers handle;
    handle.head = [this](const http::request& head,
                         std::size_t& body_limit) -> std::optional<http::response> {
      if (head.path == "/upload")
        body_limit = 8u << 20;
      if (head.path == "/forbidden")
        return http::response{403, {}, "no", {}};
      return std::nullopt;
    };
    handle.urgent = [](const http::request& head) { return head.path == "/outcome"; };
    handle.serve = [this](http::request what, std::shared_ptr<http::responder> to) {
      serve(std::move(what), std::move(to));
    };
    handle.upgrade = [this](const http::request& head, std::shared_ptr<http::websocket> socket)
        -> std::variant<http::response, http::websocket_events> {
      if (head.path != "/ws")
        return http::response{404, {}, "no socket here", {}};
      const std::lock_guard lock(mutex);
      sockets.push_back(socket);
      const std::weak_ptr<http::websocket> weak = socket;
      return http::websocket_events{[weak](std::string_view text) {
                                      if (const auto to = weak.lock())
                                        to->send("echo " + std::string(text));
                                    },
                                    [this] { ++sockets_closed; }};
    };
    handle.decorate = [](const http::request&, http::response& answer) {
      answer.headers.emplace_back("X-Decorated", "yes");
    };
    handle.problem = [](const http::request&, const failure& why) {
      return http::response{400,
                            {{"Content-Type", "application/problem+json"}},
                            "{\"code\":\"" + why.code + "\"}",
                            {}};
    };
    auto started = http::start_server(std::move(options), std::move(handle));
    check(started.has_value(), "the test server does not start");
    running = std::move(*started);
  }

  ~test_server() {
    running.reset();
    for (auto& thread : threads)
      thread.join();
  }

  void serve(http::request what, std::shared_ptr<http::responder> to) {
    const std::lock_guard lock(mutex);
    if (what.path == "/never") {
      to->on_abort([this] { ++aborts; });
      waiting.push_back(std::move(to));
    } else if (what.path == "/throw") {
      throw std::runtime_error("handler");
    } else if (what.path == "/thread") {
      threads.emplace_back([to = std::move(to)] { to->send({200, {}, "from a thread", {}}); });
    } else if (what.path == "/stream") {
      streams.push_back(to->begin_stream({200, {{"Content-Type", "text/event-stream"}}, {}, {}}));
      streams.back()->on_close([this] { ++streams_closed; });
    } else if (what.path == "/large") {
      to->send({200, {}, {}, std::make_shared<const std::string>(8u << 20, 'x')});
    } else if (what.path == "/json") {
      to->send({200, {{"Content-Type", "application/json"}}, std::string(4096, '1'), {}});
    } else if (what.path == "/split") {
      to->send({200, {{"X-Bad", "a\r\nX-Injected: b"}}, "ok", {}});
    } else if (what.path != "/drop") {
      std::string text = what.verb_text + " " + what.path;
      for (const auto& [name, value] : what.query)
        text += " " + name + "=" + value;
      to->send({200, {}, text + " [" + what.body + "]", {}});
    }
  }

  std::uint16_t port() const { return running->port(); }

  /// The first stream or socket; waits for it, because the peer may see its head earlier.
  std::shared_ptr<http::stream> stream() { return first(streams); }
  std::shared_ptr<http::websocket> socket() { return first(sockets); }

  std::mutex mutex;
  std::vector<std::shared_ptr<http::responder>> waiting;
  std::vector<std::shared_ptr<http::stream>> streams;
  std::vector<std::shared_ptr<http::websocket>> sockets;
  std::vector<std::thread> threads;
  std::atomic<int> aborts = 0, streams_closed = 0, sockets_closed = 0;
  std::unique_ptr<http::server> running;

private:
  template <class T> T first(const std::vector<T>& all) {
    T out;
    eventually([&] {
      const std::lock_guard lock(mutex);
      if (!all.empty())
        out = all.front();
      return out != nullptr;
    });
    check(out != nullptr, "the handler was never called");
    return out;
  }
};

} // namespace troupe::test

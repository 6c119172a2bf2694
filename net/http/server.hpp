// The HTTP and WebSocket server: Boost.Beast behind a small interface that knows nothing of
// workflows. One io thread; answers may come from any thread.
#pragma once

#include "runtime/base/byte_budget.hpp"
#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace troupe::http {

enum class method { get, head, post, put, patch, delete_, options, other };

/// One request, whole. Header names are lower case.
struct request {
  method verb = method::get;
  std::string verb_text;
  std::string target;                                     ///< as sent: path and query
  std::string path;                                       ///< decoded, begins with '/'
  std::vector<std::pair<std::string, std::string>> query; ///< decoded, in order
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::string remote_address;             ///< text of the peer's address, without the port
  std::shared_ptr<byte_claim> body_claim; ///< what a large body counts as; let go with the body
  bool keep_alive = true;

  /// The first header or query parameter of that name (header names in lower case), or empty.
  std::string_view header(std::string_view name) const noexcept;
  std::string_view parameter(std::string_view name) const noexcept;
  bool has_parameter(std::string_view name) const noexcept;
};

struct response {
  unsigned status = 200;
  std::vector<std::pair<std::string, std::string>> headers; ///< Content-Length and Date are added
  std::string body;
  std::shared_ptr<const std::string> shared_body; ///< used instead of `body` when set
};

/// A long answer, such as server-sent events. All functions are thread-safe and never block.
class stream {
public:
  virtual ~stream() = default;
  /// Queues bytes as they are. False once the peer is gone, or when more than the limit
  /// (`server_limits::stream_queue_bytes_max`) would wait: then the stream is closed.
  virtual bool write(std::string bytes) = 0;
  virtual void close() = 0;
  virtual bool open() const noexcept = 0;
  /// Called once, on the io thread, when the peer is gone or the stream was closed.
  virtual void on_close(std::function<void()> gone) = 0;
};

/// Answers one request, exactly once, from any thread. Dropping it unanswered sends a 500.
class responder {
public:
  virtual ~responder() = default;
  virtual void send(response what) = 0;
  /// Sends the head with Transfer-Encoding chunked and keeps the connection for the stream.
  virtual std::shared_ptr<stream> begin_stream(response head) = 0;
  /// Called on the io thread when the peer closes before the answer was sent.
  virtual void on_abort(std::function<void()> gone) = 0;
};

/// One WebSocket connection. Thread-safe, never blocks.
class websocket {
public:
  virtual ~websocket() = default;
  /// Queues one text message; false when closed or when the queue limit would be passed: then the
  /// connection is closed with code 1013.
  virtual bool send(std::string text) = 0;
  virtual void close(std::uint16_t code, std::string reason) = 0;
};

/// What a WebSocket's owner wants to hear. Called on the io thread.
struct websocket_events {
  std::function<void(std::string_view text)> message;
  std::function<void()> closed;
};

/// What the server does with requests. Every function runs on the io thread and must not block.
struct handlers {
  /// Called when the head is there and before the body is read: a response refuses the request
  /// (authentication, unknown route, over admission). `body_limit` may be set for this route.
  std::function<std::optional<response>(const request& head, std::size_t& body_limit)> head;
  std::function<void(request, std::shared_ptr<responder>)> serve;
  /// Whether a body ends work, so that it is read although the budget is nearly used up: a few at a
  /// time. Asked only then; may be empty.
  std::function<bool(const request& head)> urgent;
  /// Decides about an upgrade: events to go on, or a response to refuse. The socket may be used
  /// (from any thread) as soon as `accepted` is called with it.
  std::function<std::variant<response, websocket_events>(const request& head,
                                                         std::shared_ptr<websocket> socket)>
      upgrade;
  /// Decorates every answer, also the server's own errors (CORS, security headers, request id).
  std::function<void(const request& head, response& answer)> decorate;
  /// Makes the server's own refusals (400, 408, 413, 431 …) look like all others.
  std::function<response(const request& head, const failure& why)> problem;
};

struct server_limits {
  std::size_t header_bytes_max = 64u << 10;      ///< over it: 431
  std::size_t request_line_bytes_max = 8u << 10; ///< over it: 431
  std::size_t body_bytes_max = 1u << 20;         ///< default when `head` sets nothing; over it: 413
  std::chrono::milliseconds header_timeout{10'000};
  std::chrono::milliseconds body_timeout{30'000};
  std::chrono::milliseconds body_pause_max{5'000}; ///< in all, for lack of memory; then 503
  std::chrono::milliseconds idle_timeout{75'000};
  std::chrono::milliseconds write_timeout{30'000};
  std::size_t connections_max = 10'000; ///< further ones are answered 503 and closed
  std::size_t connections_per_address_max = 10'000;
  std::size_t stream_queue_bytes_max = 4u << 20;
  std::size_t websocket_message_bytes_max = 1u << 20;
  std::size_t pipelined_max = 1; ///< requests of one connection handled at once
};

struct tls_files {
  std::string certificate_chain; ///< PEM file; empty: no TLS
  std::string private_key;       ///< PEM file
};

struct server_options {
  std::string host = "127.0.0.1";
  std::uint16_t port = 0; ///< 0: any free one
  server_limits limits;
  tls_files tls;
  /// Counts what connections hold; while it is nearly used up, bodies are not read on, apart from
  /// small ones. Must outlive the server; may be empty.
  byte_budget* budget = nullptr;
};

struct server_counters {
  std::uint64_t connections_open = 0, connections_accepted = 0, connections_refused = 0,
                requests = 0, websockets_open = 0, bytes_buffered = 0, bodies_waiting = 0;
};

/// The server owns its io thread and every connection.
class server {
public:
  virtual ~server() = default; ///< stops at once
  virtual std::uint16_t port() const noexcept = 0;
  virtual server_counters counters() const noexcept = 0;
  /// Stops accepting, answers what is under way, closes idle connections; returns when all
  /// connections are closed or `grace` is over.
  virtual void stop(std::chrono::milliseconds grace) = 0;
};

/// Binds and starts. Fails with kind `unavailable`, code "bind_failed" or "tls_failed".
result<std::unique_ptr<server>> start_server(server_options options, handlers handle);

} // namespace troupe::http

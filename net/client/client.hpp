// The HTTP client: one libcurl multi loop on one thread. Every URL goes through the address policy.
#pragma once

#include "runtime/base/byte_budget.hpp"
#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::http {

struct outgoing_request {
  std::string method = "GET";
  std::string url;
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body;
  std::chrono::milliseconds timeout{30'000}; ///< whole call, redirects included
  std::chrono::milliseconds connect_timeout{10'000};
  bool follow_redirects = true;
  unsigned redirects_max = 10;
  bool verify_tls = true;
  std::size_t response_bytes_max = std::size_t{16} << 20; ///< counted after decompression
};

struct incoming_response {
  unsigned status = 0;
  std::vector<std::pair<std::string, std::string>> headers; ///< of the last answer; lower case
  std::string body;
  std::string url; ///< after redirects
};

/// Handle of a call under way. Dropping it does not abort.
class call {
public:
  virtual ~call() = default;
  /// Closes the connection; `done` is called with code "aborted" unless it was called before.
  /// Thread-safe.
  virtual void abort() = 0;
};

/// Failures: kind `invalid`, code "url_refused" (address policy, scheme) or "url_malformed"; kind
/// `upstream`, code "timeout", "connect_failed", "resolve_failed", "tls_failed",
/// "response_too_large", "connection_lost", "too_many_redirects", "aborted".
using call_done = std::function<void(result<incoming_response>)>;

class client {
public:
  virtual ~client() = default; ///< aborts every call and joins the thread
  /// Never blocks. `done` is called once, on the client's thread; it must not block.
  virtual std::shared_ptr<call> start(outgoing_request what, call_done done) = 0;
  /// As start; `chunk` sees body bytes as they come (they are not collected).
  virtual std::shared_ptr<call> start_streaming(outgoing_request what,
                                                std::function<void(std::string_view)> chunk,
                                                call_done done) = 0;
};

struct client_options {
  /// "host:port" or "address:port" that may be called although the address is private.
  std::vector<std::string> allow;
  std::size_t connections_per_host_max = 64;
  std::size_t connections_max = 1024;
  byte_budget* budget = nullptr; ///< counts answers that come; outlives the client; may be empty
};

std::unique_ptr<client> start_client(client_options options);

} // namespace troupe::http

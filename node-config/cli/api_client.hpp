// The command line's way to a running node: blocking requests and an event stream.
#pragma once

#include "net/client/client.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace troupe::cli {

class api_client {
public:
  /// `url` such as http://127.0.0.1:7070; `password` may be empty.
  api_client(std::string url, std::string password);

  /// JSON in, JSON out. A problem answer becomes a failure with its code, hint and node errors.
  result<json::value> get(const std::string& path);
  result<json::value> send(const std::string& method, const std::string& path,
                           const std::string& body,
                           const std::string& content_type = "application/json",
                           const std::string& idempotency_key = {});
  /// Reads server-sent events until the stream ends or `each` returns false.
  result<void>
  follow(const std::string& path,
         const std::function<bool(std::string_view event, const json::value& data)>& each);

  const std::string& url() const noexcept { return url_; }

private:
  http::outgoing_request request(const std::string& method, const std::string& path) const;

  std::string url_, password_;
  std::unique_ptr<http::client> client_;
};

/// Percent-encodes one path segment or query value.
std::string encoded(std::string_view text);

} // namespace troupe::cli

// One HTTP call as libcurl sees it: an easy handle, what it sends and what it has received.
// Included by .cpp files of this folder only.
#pragma once

#include "net/client/client.hpp"
#include "runtime/policy/address_policy.hpp"

#include <curl/curl.h>

#include <memory>
#include <optional>
#include <string>

namespace troupe::http::detail {

/// Nothing when the request may be sent; else why not: the URL is malformed, too long, not http or
/// https or carries user information, or method or headers would split the request.
std::optional<failure> check_outgoing(const outgoing_request& what);

/// Used on the client's thread only, but for the constructor.
class transfer {
public:
  transfer(outgoing_request what, std::function<void(std::string_view)> chunk, call_done done,
           std::shared_ptr<const address_policy> policy);
  ~transfer();
  transfer(const transfer&) = delete;
  transfer& operator=(const transfer&) = delete;

  /// Counts the answer's bytes from now on; before open().
  void count_in(byte_budget* budget) { claim_ = {budget, budget_kind::calls}; }
  /// Makes the easy handle; its private pointer is this transfer. Null without memory.
  CURL* open();
  CURL* handle() const noexcept { return easy_; }
  /// What libcurl's verdict means to the caller.
  result<incoming_response> outcome(CURLcode code);
  /// Calls `done`, once; later calls do nothing. Exceptions stop here.
  void finish(result<incoming_response> what);

private:
  void set_method();
  void set_headers();
  void set_policy();
  std::size_t take_body(std::string_view bytes);
  bool take_header(std::string_view line);
  curl_socket_t open_socket(const curl_sockaddr& to);
  bool may_send();

  outgoing_request request_;
  std::function<void(std::string_view)> chunk_;
  call_done done_;
  std::shared_ptr<const address_policy> policy_;
  CURL* easy_ = nullptr;
  curl_slist* headers_ = nullptr;
  incoming_response response_;
  byte_claim claim_;
  std::size_t received_ = 0, header_bytes_ = 0;
  bool address_refused_ = false, too_large_ = false, chunk_threw_ = false;
  bool sent_ = false, answered_ = false, head_complete_ = false;
};

} // namespace troupe::http::detail

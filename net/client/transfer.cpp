#include "net/client/transfer.hpp"

#include "runtime/base/log.hpp"

#include <arpa/inet.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <sys/socket.h>

#include <algorithm>
#include <cstring>
#include <exception>

namespace troupe::http::detail {

namespace {

constexpr std::size_t header_bytes_max = 256u << 10; ///< of all answers of one call

failure upstream(std::string code, std::string message) {
  return {failure_kind::upstream, std::move(code), std::move(message), {}, {}};
}

std::string lower(std::string_view text) {
  std::string out(text);
  std::transform(out.begin(), out.end(), out.begin(),
                 [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
  return out;
}

std::string_view trimmed(std::string_view text) {
  const auto first = text.find_first_not_of(" \t\r\n");
  if (first == std::string_view::npos)
    return {};
  return text.substr(first, text.find_last_not_of(" \t\r\n") - first + 1);
}

// The host that libcurl is connecting to now: after a redirect another one than the caller's.
std::string current_host(CURL* easy) {
  const char* url = nullptr;
  curl_easy_getinfo(easy, CURLINFO_EFFECTIVE_URL, &url);
  const std::unique_ptr<CURLU, void (*)(CURLU*)> parsed(curl_url(), curl_url_cleanup);
  char* host = nullptr;
  std::string out;
  if (url && parsed && curl_url_set(parsed.get(), CURLUPART_URL, url, 0) == CURLUE_OK &&
      curl_url_get(parsed.get(), CURLUPART_HOST, &host, 0) == CURLUE_OK)
    out = host;
  curl_free(host);
  return out;
}

struct endpoint {
  ip_address address;
  std::uint16_t port = 0;
};

std::optional<endpoint> endpoint_of(const curl_sockaddr& from) {
  endpoint out;
  if (from.family == AF_INET && from.addrlen >= sizeof(sockaddr_in)) {
    sockaddr_in v4{};
    std::memcpy(&v4, &from.addr, sizeof v4);
    std::memcpy(out.address.bytes.data(), &v4.sin_addr, 4);
    out.port = ntohs(v4.sin_port);
    return out;
  }
  if (from.family == AF_INET6 && from.addrlen >= sizeof(sockaddr_in6)) {
    sockaddr_in6 v6{}; // libcurl's own struct has room for it behind `addr`
    std::memcpy(&v6, static_cast<const void*>(&from.addr), sizeof v6);
    std::memcpy(out.address.bytes.data(), &v6.sin6_addr, 16);
    out.address.is_v6 = true;
    out.port = ntohs(v6.sin6_port);
    return out;
  }
  return std::nullopt;
}

bool safe_method(std::string_view method) {
  return method == "GET" || method == "HEAD" || method == "OPTIONS";
}

} // namespace

transfer::transfer(outgoing_request what, std::function<void(std::string_view)> chunk,
                   call_done done, std::shared_ptr<const address_policy> policy)
    : request_(std::move(what)), chunk_(std::move(chunk)), done_(std::move(done)),
      policy_(std::move(policy)) {}

transfer::~transfer() {
  curl_easy_cleanup(easy_);
  curl_slist_free_all(headers_);
}

CURL* transfer::open() {
  easy_ = curl_easy_init();
  if (!easy_)
    return nullptr;
  curl_easy_setopt(easy_, CURLOPT_PRIVATE, static_cast<void*>(this));
  curl_easy_setopt(easy_, CURLOPT_URL, request_.url.c_str());
  curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
  curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L); // an abort does not wait for a name server
  curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
  curl_easy_setopt(easy_, CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
  // libcurl reads 0 as "no limit", and every call has one.
  const auto limit = [](std::chrono::milliseconds time) {
    return static_cast<long>(std::clamp<std::int64_t>(time.count(), 1, 86'400'000));
  };
  curl_easy_setopt(easy_, CURLOPT_TIMEOUT_MS, limit(request_.timeout));
  curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, limit(request_.connect_timeout));
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, request_.verify_tls ? 1L : 0L);
  curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, request_.verify_tls ? 2L : 0L);
  curl_easy_setopt(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  set_method();
  set_headers();
  set_policy();
  return easy_;
}

void transfer::set_method() {
  if (request_.method == "HEAD") {
    curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    return;
  }
  if (request_.method == "GET" && request_.body.empty())
    return;
  if (request_.method == "POST" || !request_.body.empty()) {
    curl_easy_setopt(easy_, CURLOPT_POST, 1L);
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDS, request_.body.data());
    curl_easy_setopt(easy_, CURLOPT_POSTFIELDSIZE_LARGE,
                     static_cast<curl_off_t>(request_.body.size()));
  }
  if (request_.method != "POST")
    curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request_.method.c_str());
}

void transfer::set_headers() {
  const auto add = [this](const std::string& line) {
    if (auto* longer = curl_slist_append(headers_, line.c_str()))
      headers_ = longer;
  };
  bool typed = false;
  for (const auto& [name, value] : request_.headers) {
    const auto key = lower(name);
    if (key == "content-length" || key == "transfer-encoding" || key == "expect")
      continue; // libcurl frames the message
    typed = typed || key == "content-type";
    const auto text = trimmed(value);
    add(text.empty() ? name + ";" : name + ": " + std::string(text));
  }
  add("Expect:");
  if (!typed)
    add("Content-Type:"); // libcurl would claim a form
  curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers_);
}

void transfer::set_policy() {
  curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_REDIR_PROTOCOLS_STR, "http,https");
  curl_easy_setopt(easy_, CURLOPT_DISALLOW_USERNAME_IN_URL, 1L);
  curl_easy_setopt(easy_, CURLOPT_PROXY, "");
  curl_easy_setopt(easy_, CURLOPT_NOPROXY, "*");
  curl_easy_setopt(easy_, CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, request_.follow_redirects ? 1L : 0L);
  curl_easy_setopt(easy_, CURLOPT_MAXREDIRS,
                   static_cast<long>(std::min(request_.redirects_max, 50u)));
  using self = transfer*;
  curl_easy_setopt(easy_, CURLOPT_OPENSOCKETDATA, this);
  curl_easy_setopt(
      easy_, CURLOPT_OPENSOCKETFUNCTION, +[](void* to, curlsocktype, curl_sockaddr* address) {
        return static_cast<self>(to)->open_socket(*address);
      });
  curl_easy_setopt(easy_, CURLOPT_PREREQDATA, this);
  curl_easy_setopt(
      easy_, CURLOPT_PREREQFUNCTION, +[](void* to, char*, char*, int, int) {
        return static_cast<self>(to)->may_send() ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT;
      });
  curl_easy_setopt(easy_, CURLOPT_WRITEDATA, this);
  curl_easy_setopt(
      easy_, CURLOPT_WRITEFUNCTION, +[](char* bytes, std::size_t, std::size_t count, void* to) {
        return static_cast<self>(to)->take_body({bytes, count});
      });
  curl_easy_setopt(easy_, CURLOPT_HEADERDATA, this);
  curl_easy_setopt(
      easy_, CURLOPT_HEADERFUNCTION, +[](char* bytes, std::size_t, std::size_t count, void* to) {
        return static_cast<self>(to)->take_header({bytes, count}) ? count : 0;
      });
}

curl_socket_t transfer::open_socket(const curl_sockaddr& to) {
  const auto where = endpoint_of(to);
  if (!where || !policy_->permits(current_host(easy_), where->address, where->port)) {
    address_refused_ = true;
    return CURL_SOCKET_BAD;
  }
  return ::socket(to.family, to.socktype | SOCK_CLOEXEC, to.protocol);
}

// libcurl sends a request again when a kept connection ends without an answer. What may have acted
// must not leave twice, so only safe methods get that second chance.
bool transfer::may_send() {
  const bool again = sent_ && !answered_;
  sent_ = true;
  answered_ = false;
  return !again || safe_method(request_.method);
}

std::size_t transfer::take_body(std::string_view bytes) {
  if (bytes.size() > request_.response_bytes_max - received_) {
    too_large_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  received_ += bytes.size();
  if (!chunk_) {
    response_.body.append(bytes);
    claim_.set(response_.body.capacity());
    return bytes.size();
  }
  try {
    chunk_(bytes);
  } catch (const std::exception& thrown) {
    log::error("client", "chunk threw", {{"what", std::string_view{thrown.what()}}});
    chunk_threw_ = true;
    return CURL_WRITEFUNC_ERROR;
  }
  return bytes.size();
}

bool transfer::take_header(std::string_view line) {
  header_bytes_ += line.size();
  too_large_ = header_bytes_ > header_bytes_max;
  if (too_large_)
    return false;
  if (line.starts_with("HTTP/")) {
    response_.headers.clear();
    answered_ = true;
    head_complete_ = false;
    const auto space = line.find(' ');
    // libcurl turns to GET by itself, but keeps a custom method's name.
    if (space != std::string_view::npos && line.substr(space + 1).starts_with("303"))
      curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, nullptr);
    return true;
  }
  head_complete_ = head_complete_ || line == "\r\n" || line == "\n";
  const auto colon = line.find(':');
  if (colon != std::string_view::npos)
    response_.headers.emplace_back(lower(line.substr(0, colon)), trimmed(line.substr(colon + 1)));
  return true;
}

result<incoming_response> transfer::outcome(CURLcode code) {
  long status = 0;
  curl_easy_getinfo(easy_, CURLINFO_RESPONSE_CODE, &status);
  switch (code) {
  case CURLE_OK: {
    if (!head_complete_) // libcurl takes a head that breaks off for a whole one
      break;
    const char* url = nullptr;
    curl_easy_getinfo(easy_, CURLINFO_EFFECTIVE_URL, &url);
    response_.status = static_cast<unsigned>(status);
    response_.url = url ? url : request_.url;
    return std::move(response_);
  }
  case CURLE_URL_MALFORMAT:
    return invalid("url_malformed", "A redirect leads to a URL that is not valid.");
  case CURLE_LOGIN_DENIED:
    return invalid("url_refused", "A redirect leads to a URL with a user name.");
  case CURLE_UNSUPPORTED_PROTOCOL:
    if (answered_ && status >= 300 && status < 400)
      return invalid("url_refused", "A redirect leads to a URL that is not http or https.");
    return upstream("connection_lost", "The answer was not HTTP.");
  case CURLE_OPERATION_TIMEDOUT: return upstream("timeout", "The call took longer than it may.");
  case CURLE_COULDNT_RESOLVE_HOST:
    return upstream("resolve_failed", "The host name has no address.");
  case CURLE_SSL_CACERT_BADFILE:
    return upstream("tls_failed", "This machine has no list of trusted certificate authorities "
                                  "(Debian: package ca-certificates).");
  case CURLE_TOO_MANY_REDIRECTS:
    return upstream("too_many_redirects", "The call was redirected too often.");
  case CURLE_SSL_CONNECT_ERROR:
  case CURLE_PEER_FAILED_VERIFICATION:
  case CURLE_SSL_CERTPROBLEM:
  case CURLE_SSL_CIPHER:
  case CURLE_SSL_INVALIDCERTSTATUS:
  case CURLE_SSL_ISSUER_ERROR:
    return upstream("tls_failed", "The TLS handshake failed or the certificate is not trusted.");
  case CURLE_COULDNT_CONNECT:
    if (address_refused_)
      return failure{failure_kind::invalid,
                     "url_refused",
                     "The URL leads to an address that may not be called.",
                     "The operator can allow it by host:port (--http-allow).",
                     {}};
    return upstream("connect_failed", "No connection could be made.");
  default: break;
  }
  if (too_large_)
    return upstream("response_too_large", "The answer is over its size limit.");
  if (chunk_threw_)
    return upstream("aborted", "The call was aborted.");
  return upstream("connection_lost", "The connection ended before the answer was complete.");
}

void transfer::finish(result<incoming_response> what) {
  auto done = std::exchange(done_, nullptr);
  if (!done)
    return;
  try {
    done(std::move(what));
  } catch (const std::exception& thrown) {
    log::error("client", "done threw", {{"what", std::string_view{thrown.what()}}});
  }
}

} // namespace troupe::http::detail

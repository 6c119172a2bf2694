#include "node-config/cli/api_client.hpp"

#include <condition_variable>
#include <deque>
#include <future>
#include <mutex>

namespace troupe::cli {

namespace {

std::string authority_of(std::string_view url) {
  const auto scheme = url.find("://");
  auto rest = scheme == std::string_view::npos ? url : url.substr(scheme + 3);
  rest = rest.substr(0, rest.find('/'));
  std::string authority{rest};
  if (authority.rfind(':') == std::string::npos || authority.back() == ']')
    authority += url.starts_with("https") ? ":443" : ":80";
  return authority;
}

failure from_problem(unsigned status, const std::string& body) {
  failure why;
  why.kind = status == 404   ? failure_kind::not_found
             : status == 409 ? failure_kind::conflict
             : status == 401 ? failure_kind::unauthenticated
             : status == 503 ? failure_kind::unavailable
                             : failure_kind::invalid;
  why.code = "http_" + std::to_string(status);
  why.message = "The node answered " + std::to_string(status) + ".";
  const auto parsed = json::parse(body);
  if (!parsed)
    return why;
  if (const auto detail = json::text_or(*parsed, "detail", ""); !detail.empty())
    why.message = detail;
  if (const auto code = json::text_or(*parsed, "code", ""); !code.empty())
    why.code = code;
  why.hint = json::text_or(*parsed, "hint", "");
  if (const auto* errors = json::find(*parsed, "node_errors"); errors && errors->is_array())
    for (const auto& e : errors->get_array())
      why.node_errors.push_back({std::string{json::text_or(e, "node", "")},
                                 std::string{json::text_or(e, "field", "")},
                                 std::string{json::text_or(e, "code", "")},
                                 std::string{json::text_or(e, "message", "")}});
  return why;
}

failure unreachable_node(const std::string& url, const failure& why) {
  return {failure_kind::unavailable,
          "unreachable",
          "No node answers at " + url + ": " + why.message,
          "Start one with 'troupe serve', or name another with --url.",
          {}};
}

/// Cuts a byte stream into server-sent events.
class event_reader {
public:
  using callback = std::function<bool(std::string_view, const json::value&)>;

  /// False when the callback wants no more.
  bool feed(std::string_view bytes, const callback& each) {
    buffer_ += bytes;
    for (auto end = buffer_.find("\n\n"); end != std::string::npos; end = buffer_.find("\n\n")) {
      const auto block = buffer_.substr(0, end);
      buffer_.erase(0, end + 2);
      if (!dispatch(block, each))
        return false;
    }
    return true;
  }

private:
  static bool dispatch(std::string_view block, const callback& each) {
    std::string_view name = "message";
    std::string data;
    while (!block.empty()) {
      const auto end = block.find('\n');
      const auto line = block.substr(0, end);
      block = end == std::string_view::npos ? std::string_view{} : block.substr(end + 1);
      if (line.starts_with("event: "))
        name = line.substr(7);
      if (line.starts_with("data: "))
        data += line.substr(6);
    }
    if (data.empty())
      return true;
    const auto parsed = json::parse(data);
    return !parsed || each(name, *parsed);
  }

  std::string buffer_;
};

/// Hands chunks from the client's thread to the caller's.
struct chunk_queue {
  std::mutex guard;
  std::condition_variable changed;
  std::deque<std::string> chunks;
  std::optional<result<http::incoming_response>> end;
};

} // namespace

std::string encoded(std::string_view text) {
  static constexpr char hex[] = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '_' || c == '.' || c == '~';
    if (plain) {
      out += c;
      continue;
    }
    out += '%';
    out += hex[byte >> 4];
    out += hex[byte & 15];
  }
  return out;
}

api_client::api_client(std::string url, std::string password)
    : url_(std::move(url)), password_(std::move(password)) {
  while (!url_.empty() && url_.back() == '/')
    url_.pop_back();
  http::client_options options;
  options.allow.push_back(authority_of(url_));
  client_ = http::start_client(std::move(options));
}

http::outgoing_request api_client::request(const std::string& method,
                                           const std::string& path) const {
  http::outgoing_request what;
  what.method = method;
  what.url = url_ + path;
  what.timeout = std::chrono::minutes{10};
  what.response_bytes_max = std::size_t{256} << 20;
  if (!password_.empty())
    what.headers.emplace_back("Authorization", "Bearer " + password_);
  return what;
}

result<json::value> api_client::get(const std::string& path) {
  return send("GET", path, {});
}

result<json::value> api_client::send(const std::string& method, const std::string& path,
                                     const std::string& body, const std::string& content_type,
                                     const std::string& idempotency_key) {
  auto what = request(method, path);
  what.body = body;
  if (!body.empty())
    what.headers.emplace_back("Content-Type", content_type);
  if (!idempotency_key.empty())
    what.headers.emplace_back("Idempotency-Key", idempotency_key);
  std::promise<result<http::incoming_response>> promise;
  auto answer = promise.get_future();
  client_->start(std::move(what), [&](auto r) { promise.set_value(std::move(r)); });
  auto got = answer.get();
  if (!got)
    return unreachable_node(url_, got.error());
  if (got->status >= 400)
    return from_problem(got->status, got->body);
  if (got->body.empty())
    return json::value(nullptr);
  auto parsed = json::parse(got->body);
  return parsed ? std::move(parsed) : result<json::value>{json::value(got->body)};
}

result<void>
api_client::follow(const std::string& path,
                   const std::function<bool(std::string_view, const json::value&)>& each) {
  auto queue = std::make_shared<chunk_queue>();
  auto what = request("GET", path);
  what.timeout = std::chrono::hours{24 * 365};
  what.headers.emplace_back("Accept", "text/event-stream");
  const auto call = client_->start_streaming(
      std::move(what),
      [queue](std::string_view bytes) {
        const std::lock_guard lock(queue->guard);
        queue->chunks.emplace_back(bytes);
        queue->changed.notify_one();
      },
      [queue](auto r) {
        const std::lock_guard lock(queue->guard);
        queue->end = std::move(r);
        queue->changed.notify_one();
      });
  event_reader reader;
  for (;;) {
    std::unique_lock lock(queue->guard);
    queue->changed.wait(lock, [&] { return !queue->chunks.empty() || queue->end; });
    if (queue->chunks.empty())
      break;
    const auto bytes = std::move(queue->chunks.front());
    queue->chunks.pop_front();
    lock.unlock();
    if (!reader.feed(bytes, each)) {
      call->abort();
      return {};
    }
  }
  if (!*queue->end)
    return unreachable_node(url_, queue->end->error());
  return (**queue->end).status >= 400 ? result<void>{from_problem((**queue->end).status, {})}
                                      : result<void>{};
}

} // namespace troupe::cli

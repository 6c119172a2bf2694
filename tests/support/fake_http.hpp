// The server's side of a handler, in memory: what a request is answered.
#pragma once

#include "net/http/server.hpp"
#include "runtime/base/json.hpp"

#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

class fake_stream final : public http::stream {
public:
  bool write(std::string bytes) override {
    if (open_)
      text += bytes;
    return open_;
  }
  void close() override { end(); }
  bool open() const noexcept override { return open_; }
  void on_close(std::function<void()> gone) override {
    if (open_)
      gone_ = std::move(gone);
    else
      gone();
  }
  void end() {
    open_ = false;
    if (auto call = std::exchange(gone_, nullptr))
      call();
  }
  std::string text;

private:
  bool open_ = true;
  std::function<void()> gone_;
};

class fake_responder final : public http::responder {
public:
  void send(http::response what) override {
    ++answers;
    answer = std::move(what);
  }
  std::shared_ptr<http::stream> begin_stream(http::response head) override {
    ++answers;
    answer = std::move(head);
    stream = std::make_shared<fake_stream>();
    return stream;
  }
  void on_abort(std::function<void()>) override {}
  http::response answer;
  std::shared_ptr<fake_stream> stream;
  int answers = 0;
};

class fake_socket final : public http::websocket {
public:
  bool send(std::string text) override {
    texts.push_back(std::move(text));
    return true;
  }
  void close(std::uint16_t how, std::string) override { code = how; }
  std::vector<std::string> texts;
  std::uint16_t code = 0;
};

inline http::method method_of(std::string_view verb) {
  using enum http::method;
  const std::pair<std::string_view, http::method> table[] = {
      {"GET", get},     {"HEAD", head},      {"POST", post},      {"PUT", put},
      {"PATCH", patch}, {"DELETE", delete_}, {"OPTIONS", options}};
  for (const auto& [name, value] : table)
    if (name == verb)
      return value;
  return other;
}

/// Runs a request through head, serve and decorate as the server does.
struct fake_client {
  http::handlers handle;
  std::string address = "127.0.0.1";
  std::vector<std::pair<std::string, std::string>> headers; ///< of every request
  std::shared_ptr<fake_responder> last;

  http::request make(std::string_view verb, std::string target, std::string body = {}) const {
    http::request r;
    r.verb = method_of(verb);
    r.verb_text = verb;
    r.target = target;
    r.path = target.substr(0, target.find('?'));
    std::string_view rest = target;
    rest = rest.find('?') == std::string_view::npos ? std::string_view{}
                                                    : rest.substr(rest.find('?') + 1);
    while (!rest.empty()) {
      const auto pair = rest.substr(0, rest.find('&'));
      const auto equals = pair.find('=');
      r.query.emplace_back(pair.substr(0, equals),
                           equals == std::string_view::npos ? "" : pair.substr(equals + 1));
      rest = rest.size() > pair.size() ? rest.substr(pair.size() + 1) : std::string_view{};
    }
    r.headers = headers;
    r.body = std::move(body);
    r.remote_address = address;
    return r;
  }
  http::response operator()(const http::request& r) {
    std::size_t limit = 0;
    last = std::make_shared<fake_responder>();
    if (auto refused = handle.head(r, limit))
      last->send(std::move(*refused));
    else
      handle.serve(r, last);
    auto out = last->answer;
    if (out.shared_body)
      out.body = *out.shared_body;
    handle.decorate(r, out);
    return out;
  }
  http::response operator()(std::string_view verb, std::string target, std::string body = {}) {
    return (*this)(make(verb, std::move(target), std::move(body)));
  }
};

inline std::string header_of(const http::response& r, std::string_view name) {
  for (const auto& [key, value] : r.headers)
    if (key == name)
      return value;
  return {};
}

inline json::value body_of(const http::response& r) {
  auto parsed = json::parse(r.body);
  return parsed ? std::move(*parsed) : json::value(nullptr);
}

inline std::string text_of(const http::response& r, std::string_view key) {
  return std::string(json::text_or(body_of(r), key, ""));
}

} // namespace troupe::test

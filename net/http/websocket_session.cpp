#include "net/http/websocket_connection.hpp"

#include "runtime/base/log.hpp"

#include <boost/beast/http/empty_body.hpp>
#include <boost/beast/http/message.hpp>
#include <boost/beast/websocket/rfc6455.hpp>

namespace troupe::http::detail {

namespace beast_ws = boost::beast::websocket;
namespace beast_http = boost::beast::http;

namespace {

constexpr std::size_t incoming_kept_max = 4u << 10;
constexpr std::uint16_t going_away = 1001, unsupported_data = 1003, internal_error = 1011;

bool sendable(std::uint16_t code) {
  return (code >= 1000 && code <= 1014 && code != 1004 && code != 1005 && code != 1006) ||
         (code >= 3000 && code <= 4999);
}

} // namespace

websocket_session::websocket_session(websocket_start what)
    : home_(std::move(what.home)), slot_(std::move(what.slot)), stream_(std::move(what.stream)),
      head_(std::move(what.head)), decorated_(std::move(what.decorated)),
      events_(std::move(what.events)), link_(std::move(what.link)) {
  ++home_->websockets_open;
}

void websocket_session::start() {
  home_->add(shared_from_this());
  link_->attach(weak_from_this());
  beast_ws::stream_base::timeout timeouts{};
  timeouts.handshake_timeout = home_->limits.header_timeout;
  timeouts.idle_timeout = home_->limits.idle_timeout;
  timeouts.keep_alive_pings = true;
  stream_.set_option(timeouts);
  stream_.read_message_max(home_->limits.websocket_message_bytes_max);
  stream_.set_option(beast_ws::stream_base::decorator([self = this](beast_ws::response_type& to) {
    for (const auto& [name, value] : self->decorated_.headers)
      to.insert(name, value);
  }));
  beast_http::request<beast_http::empty_body> upgrade{beast_http::verb::get, head_.target, 11};
  for (const auto& [name, value] : head_.headers)
    upgrade.insert(name, value);
  deadline_ = std::chrono::steady_clock::now() + home_->limits.header_timeout;
  stream_.async_accept(upgrade, [self = shared_from_this()](error_code ec) { self->accepted(ec); });
}

void websocket_session::accepted(error_code ec) {
  if (ended_)
    return;
  if (ec)
    return close_now();
  deadline_ = no_deadline;
  open_ = true;
  head_ = {};
  decorated_ = {};
  read();
  flush();
}

void websocket_session::read() {
  stream_.async_read(
      incoming_, [self = shared_from_this()](error_code ec, std::size_t) { self->on_read(ec); });
}

void websocket_session::on_read(error_code ec) {
  if (ended_)
    return;
  if (ec)
    return close_now(); // Beast has answered a close, or sent one that names the broken rule
  if (!stream_.got_text()) {
    link_->close(unsupported_data, "only text is spoken here");
  } else if (events_.message && !saying_goodbye_) {
    const auto bytes = incoming_.cdata();
    try {
      events_.message({static_cast<const char*>(bytes.data()), bytes.size()});
    } catch (const std::exception& thrown) {
      log::error("http", "message threw", {{"what", std::string_view{thrown.what()}}});
      link_->close(internal_error, "internal error");
    }
  }
  if (ended_)
    return;
  incoming_.clear();
  if (incoming_.capacity() > incoming_kept_max)
    incoming_.shrink_to_fit();
  read();
}

void websocket_session::flush() {
  if (!open_ || writing_ || ended_ || saying_goodbye_)
    return;
  auto text = link_->next();
  if (!text) {
    deadline_ = no_deadline;
    outgoing_ = {};
    if (const auto farewell = link_->leaving())
      say_goodbye(*farewell);
    return;
  }
  outgoing_ = std::move(*text);
  writing_ = true;
  deadline_ = std::chrono::steady_clock::now() + home_->limits.write_timeout;
  stream_.text(true);
  stream_.async_write(asio::buffer(outgoing_),
                      [self = shared_from_this()](error_code ec, std::size_t) {
                        self->writing_ = false;
                        if (ec)
                          self->close_now();
                        else
                          self->flush();
                      });
}

void websocket_session::say_goodbye(const websocket_link::farewell& what) {
  saying_goodbye_ = true;
  deadline_ = std::chrono::steady_clock::now() + home_->limits.write_timeout;
  const auto code = sendable(what.code) ? what.code : internal_error;
  const auto reason = what.reason.substr(0, 100); // a control frame carries 123 bytes
  stream_.async_close({static_cast<beast_ws::close_code>(code), reason},
                      [self = shared_from_this()](error_code) { self->close_now(); });
}

void websocket_session::tick(steady_time now) {
  if (now >= deadline_)
    close_now();
}

void websocket_session::stop_soon() {
  if (open_)
    link_->close(going_away, "the server is stopping");
  else
    close_now();
}

void websocket_session::close_now() {
  if (ended_)
    return;
  const auto self = shared_from_this();
  ended_ = true;
  link_->abandon();
  stream_.next_layer().close();
  home_->remove(*this);
  --home_->websockets_open;
  if (auto closed = std::exchange(events_.closed, nullptr)) {
    try {
      closed();
    } catch (const std::exception& thrown) {
      log::error("http", "closed threw", {{"what", std::string_view{thrown.what()}}});
    }
  }
}

void start_websocket(websocket_start what) {
  std::make_shared<websocket_session>(std::move(what))->start();
}

} // namespace troupe::http::detail

// The writing half of a session: answers to bytes, and the end of the connection.
#include "net/http/session.hpp"

#include "net/http/event_stream.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::http::detail {

namespace {

constexpr std::size_t copied_body_bytes_max = 16u << 10;
constexpr std::chrono::milliseconds linger_time{2'000};

} // namespace

session::session(std::shared_ptr<core> home, admission slot, wire w, std::string remote_address)
    : home_(std::move(home)), slot_(std::move(slot)), wire_(std::move(w)),
      remote_address_(std::move(remote_address)), gauge_(*home_) {}

void session::start() {
  home_->add(shared_from_this());
  set_deadline(home_->limits.header_timeout);
  const auto ready = [self = shared_from_this()](error_code ec) {
    if (self->at_ == at::closed)
      return;
    if (ec)
      return self->close_now();
    self->at_ = at::idle;
    self->set_deadline(self->home_->limits.header_timeout);
    self->read();
  };
  if (auto* tls = wire_.secure())
    tls->async_handshake(asio::ssl::stream_base::server, ready);
  else
    ready({});
}

void session::start_refusing() {
  home_->add(shared_from_this());
  at_ = at::handling;
  shown_.remote_address = remote_address_;
  refuse({503,
          {failure_kind::unavailable,
           "too_many_connections",
           "The server has too many connections.",
           "Try again later.",
           {}}});
}

void session::refuse(const refusal& why) {
  end_of_body();
  std::string().swap(request_.body);
  if (shown_.remote_address.empty())
    shown_.remote_address = remote_address_;
  send(home_->problem(shown_, why), true);
  read(); // what still comes is read and dropped, or the answer could be lost to a reset
}

void session::answer(std::uint64_t number, response what) {
  if (at_ == at::handling && number == number_)
    send(std::move(what), false);
}

void session::answer_problem(std::uint64_t number, const refusal& why) {
  if (at_ == at::handling && number == number_)
    send(home_->problem(shown_, why), false);
}

void session::set_abort(std::uint64_t number, std::function<void()> gone) {
  if (at_ == at::handling && number == number_) {
    on_abort_ = std::move(gone);
    if (peer_ended_)
      peer_gone();
  } else if (at_ == at::closed) {
    gone();
  }
}

void session::send(response what, bool close) {
  on_abort_ = nullptr;
  home_->decorate(shown_, what);
  close_after_ = close || !shown_.keep_alive || home_->stopping || wants_close(what);
  if (what.status < 200 || what.status > 599)
    what.status = 500;
  const auto body = body_of(what);
  head_style style;
  style.framing = bodiless(what.status) ? framing_kind::none : framing_kind::length;
  style.length = body.size();
  style.close = close_after_;
  style.keep_alive_1_0 = facts_.version_1_0 && !close_after_;
  out_ = home_->take_buffer();
  write_head(out_, what, style, home_->date());
  unwritten_ = {};
  if (shown_.verb != method::head && style.framing == framing_kind::length) {
    if (body.size() <= copied_body_bytes_max) {
      out_ += body;
    } else {
      held_ = std::move(what);
      const auto kept = body_of(held_);
      unwritten_[1] = asio::buffer(kept.data(), kept.size());
    }
  }
  unwritten_[0] = asio::buffer(out_);
  gauge_.set(unwritten_[0].size() + unwritten_[1].size());
  at_ = at::writing;
  write();
}

void session::send_continue() {
  static constexpr std::string_view text = "HTTP/1.1 100 Continue\r\n\r\n";
  at_ = at::continuing;
  unwritten_ = {asio::buffer(text.data(), text.size()), asio::const_buffer{}};
  write();
}

void session::begin_stream(std::uint64_t number, response head,
                           std::shared_ptr<event_stream> source) {
  if (at_ != at::handling || number != number_ || peer_ended_)
    return source->ended();
  on_abort_ = nullptr;
  home_->decorate(shown_, head);
  close_after_ = !shown_.keep_alive || facts_.version_1_0 || home_->stopping || wants_close(head);
  head_style style;
  style.framing = facts_.version_1_0 ? framing_kind::until_close : framing_kind::chunked;
  style.close = close_after_;
  out_ = home_->take_buffer();
  write_head(out_, head, style, home_->date());
  unwritten_ = {asio::buffer(out_), asio::const_buffer{}};
  stream_ = std::move(source);
  at_ = at::streaming;
  if (shown_.verb == method::head)
    stream_->close();
  if (home_->stopping)
    stream_->close();
  write();
  read();
}

void session::flush_stream() {
  if (at_ != at::streaming)
    return;
  if (write_pending_) {
    if (stream_->overflowed())
      close_now();
    return;
  }
  auto next = stream_->take();
  if (next.overflow)
    return close_now();
  const bool chunked = !facts_.version_1_0 && shown_.verb != method::head;
  out_.clear();
  if (chunked && !next.bytes.empty()) {
    std::array<char, 16> size{};
    out_.append(size.data(), std::to_chars(size.begin(), size.end(), next.bytes.size(), 16).ptr);
    out_ += "\r\n";
    out_ += next.bytes;
    out_ += "\r\n";
  } else if (shown_.verb != method::head) {
    out_ = std::move(next.bytes);
  }
  if (next.last && chunked)
    out_ += "0\r\n\r\n";
  if (next.last) {
    stream_->ended();
    stream_.reset();
    at_ = at::writing;
  }
  if (out_.empty()) {
    deadline_ = no_deadline;
    if (out_.capacity() > copied_body_bytes_max)
      std::string().swap(out_); // a burst is over: its buffer need not stay
    if (at_ == at::writing)
      finished();
    return;
  }
  unwritten_ = {asio::buffer(out_), asio::const_buffer{}};
  write();
}

void session::write() {
  write_pending_ = true;
  set_deadline(home_->limits.write_timeout);
  const auto done = [self = shared_from_this()](error_code ec, std::size_t bytes) {
    self->on_written(ec, bytes);
  };
  if (unwritten_[1].size() == 0)
    wire_.async_write_some(unwritten_[0], done);
  else
    wire_.async_write_some(unwritten_, done);
}

void session::on_written(error_code ec, std::size_t bytes) {
  write_pending_ = false;
  if (at_ == at::closed)
    return;
  if (ec)
    return close_now();
  for (auto& part : unwritten_) {
    const auto count = std::min(bytes, part.size());
    part += count;
    bytes -= count;
  }
  if (unwritten_[0].size() + unwritten_[1].size() > 0)
    return write();
  if (at_ == at::continuing) {
    at_ = at::body;
    set_deadline(home_->limits.body_timeout);
    advance();
  } else if (at_ == at::streaming) {
    deadline_ = no_deadline;
    stream_->written();
    flush_stream();
  } else {
    finished();
  }
}

void session::finished() {
  home_->give_back(std::move(out_));
  out_ = {};
  held_ = {};
  gauge_.set(0);
  if (close_after_ || home_->stopping)
    return linger();
  chunks_.reset();
  if (buffered().empty()) {
    request_ = {};
    shown_ = {};
    if (peer_ended_)
      return close_now();
    at_ = at::idle;
    set_deadline(home_->limits.idle_timeout);
    return read();
  }
  at_ = at::head;
  set_deadline(home_->limits.header_timeout);
  advance();
}

void session::linger() {
  if (peer_ended_)
    return close_now();
  if (auto* tls = wire_.secure()) {
    // The close_notify alert is the end of the stream for a TLS peer; its own is not awaited.
    at_ = at::lingering;
    set_deadline(linger_time);
    tls->async_shutdown([self = shared_from_this()](error_code) { self->close_now(); });
    return;
  }
  wire_.shutdown_send();
  at_ = at::lingering;
  set_deadline(linger_time);
  if (!read_pending_) {
    in_.reset();
    in_size_ = in_begin_ = in_end_ = 0;
  } else {
    gauge_.set(in_size_);
  }
  read();
}

void session::stop_soon() {
  if (at_ == at::idle || at_ == at::handshake || (at_ == at::head && buffered().empty()))
    close_now();
  else if (stream_)
    stream_->close();
}

void session::close_now() {
  if (at_ == at::closed)
    return;
  const auto self = shared_from_this(); // the list may be the last owner
  at_ = at::closed;
  wire_.close();
  home_->remove(*this);
  end_of_body();
  gauge_.set(0);
  peer_gone();
  if (auto source = std::exchange(stream_, nullptr))
    source->ended();
}

} // namespace troupe::http::detail

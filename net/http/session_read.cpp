// The reading half of a session: bytes to requests.
#include "net/http/responder.hpp"
#include "net/http/session.hpp"
#include "net/http/websocket_session.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <cstring>

namespace troupe::http::detail {

namespace {

constexpr std::size_t small_buffer = 1u << 10, body_buffer = 64u << 10;
constexpr std::size_t linger_bytes_max = 32u << 20;
// A body must bring this much within each body timeout, so that no peer holds a body for ever.
constexpr std::size_t body_quantum = 64u << 10;

} // namespace

bool session::make_room() {
  if (in_begin_ == in_end_)
    in_begin_ = in_end_ = 0;
  if ((at_ == at::idle || at_ == at::handling) && in_size_ > small_buffer && in_end_ == 0) {
    in_.reset();
    in_size_ = 0;
  }
  const bool long_body = at_ == at::body && (chunks_ || facts_.content_length > small_buffer);
  std::size_t wanted = std::max(small_buffer, in_size_);
  if (long_body)
    wanted = std::max(wanted, body_buffer);
  if (in_end_ == in_size_ && in_begin_ == 0 && in_size_ > 0) {
    if (at_ != at::head)
      return at_ == at::body; // takes everything before it reads on
    wanted = std::max(wanted, in_size_ * 2);
  }
  if (wanted == in_size_ && in_end_ < in_size_)
    return true;
  auto room = wanted == in_size_ ? std::move(in_) : std::make_unique_for_overwrite<char[]>(wanted);
  const char* from = wanted == in_size_ ? room.get() : in_.get();
  if (in_end_ > in_begin_)
    std::memmove(room.get(), from + in_begin_, in_end_ - in_begin_);
  in_ = std::move(room);
  in_size_ = wanted;
  in_end_ -= in_begin_;
  in_begin_ = 0;
  return in_end_ < in_size_;
}

void session::read() {
  const bool dropped = at_ == at::lingering;
  if (read_pending_ || peer_ended_ || at_ == at::closed || (!dropped && !make_room()))
    return;
  read_pending_ = true;
  wire_.async_read_some(
      dropped ? asio::buffer(home_->dropped)
              : asio::buffer(in_.get() + in_end_, in_size_ - in_end_),
      [self = shared_from_this()](error_code ec, std::size_t bytes) { self->on_read(ec, bytes); });
}

void session::on_read(error_code ec, std::size_t bytes) {
  read_pending_ = false;
  if (at_ == at::closed)
    return;
  if (ec)
    return on_read_end(ec);
  if (at_ == at::lingering) {
    in_.reset();
    in_size_ = in_begin_ = in_end_ = 0;
    gauge_.set(0);
    lingered_ += bytes;
    return lingered_ > linger_bytes_max ? close_now() : read();
  }
  in_end_ += bytes;
  switch (at_) {
  case at::idle:
    at_ = at::head;
    set_deadline(home_->limits.header_timeout);
    return advance();
  case at::head:
  case at::body: return advance();
  default: return read(); // the next request, already sent; kept as far as there is room
  }
}

void session::on_read_end(error_code ec) {
  peer_ended_ = true;
  const bool only_half = ec == asio::error::eof;
  if (only_half && (at_ == at::handling || at_ == at::writing)) {
    // The peer may have closed its sending half only and still wait for the answer.
    peer_gone();
    return;
  }
  close_now();
}

void session::peer_gone() {
  if (auto gone = std::exchange(on_abort_, nullptr)) {
    try {
      gone();
    } catch (const std::exception& thrown) {
      log::error("http", "on_abort threw", {{"what", std::string_view{thrown.what()}}});
    }
  }
}

void session::wait_for_more() {
  if (peer_ended_)
    close_now();
  else
    read();
}

void session::advance() {
  bool again = true;
  while (again && (at_ == at::head || at_ == at::body))
    again = at_ == at::head ? advance_head() : advance_body();
}

// False when there is nothing to do before more bytes or an answer come.
bool session::advance_head() {
  if (scanner_.size() == 0 && buffered().starts_with("\r\n"))
    in_begin_ += 2; // RFC 9112, section 2.2: an empty line before a request is ignored
  if (buffered().empty() || buffered() == "\r") {
    wait_for_more();
    return false;
  }
  if (!scanner_.scan(buffered(), home_->limits)) {
    if (scanner_.refused()) {
      const auto why = *scanner_.refused();
      refuse(why);
    } else {
      wait_for_more();
    }
    return false;
  }
  const auto head = buffered().substr(0, scanner_.size());
  in_begin_ += head.size();
  scanner_.reset();
  ++home_->requests;
  request_ = {};
  request_.remote_address = remote_address_;
  facts_ = {};
  const auto why = read_head(head, request_, facts_);
  shown_ = request_;
  if (why) {
    refuse(*why);
    return false;
  }
  return begin_body();
}

bool session::begin_body() {
  body_bytes_max_ = home_->limits.body_bytes_max;
  if (home_->handle.head) {
    try {
      if (auto refused = home_->handle.head(request_, body_bytes_max_))
        return refuse_by_head(std::move(*refused));
    } catch (const std::exception& thrown) {
      log::error("http", "head threw", {{"what", std::string_view{thrown.what()}}});
      refuse({500, {failure_kind::internal, "internal_error", "The request failed.", {}, {}}});
      return false;
    }
    if (at_ == at::closed)
      return false;
  }
  if (facts_.content_length > body_bytes_max_) {
    refuse(body_too_large());
    return false;
  }
  if (facts_.upgrades_to_websocket && home_->handle.upgrade)
    return upgrade();
  chunks_.reset();
  if (!facts_.chunked && facts_.content_length == 0) {
    dispatch();
    return false;
  }
  if (facts_.chunked)
    chunks_ = std::make_unique<chunked_decoder>();
  set_deadline(home_->limits.body_timeout);
  body_paid_ = 0;
  at_ = at::body;
  if (facts_.expects_continue && buffered().empty()) {
    send_continue();
    return false;
  }
  return true;
}

// Keeps the connection when the unread body is there already, so that it can be skipped.
bool session::refuse_by_head(response refused) {
  const bool skippable = !facts_.chunked && facts_.content_length <= buffered().size();
  if (skippable)
    in_begin_ += static_cast<std::size_t>(facts_.content_length);
  send(std::move(refused), !skippable);
  return false;
}

bool session::advance_body() {
  if (paused_)
    return false;
  if (!may_read_body()) {
    count_input();
    pause();
    return false;
  }
  auto rest = buffered();
  const auto before = rest.size();
  bool complete = false;
  if (chunks_) {
    complete = chunks_->feed(rest, request_.body, body_bytes_max_);
    if (chunks_->refused()) {
      const auto why = *chunks_->refused();
      refuse(why);
      return false;
    }
  } else {
    const auto missing = static_cast<std::size_t>(facts_.content_length) - request_.body.size();
    grow_body(std::min(missing, rest.size()));
    request_.body.append(rest.substr(0, missing));
    rest.remove_prefix(std::min(missing, rest.size()));
    complete = request_.body.size() == facts_.content_length;
  }
  in_begin_ += before - rest.size();
  if (complete) {
    chunks_.reset();
    dispatch();
    return false;
  }
  count_input();
  if (request_.body.size() >= body_paid_ + body_quantum) {
    body_paid_ = request_.body.size();
    set_deadline(home_->limits.body_timeout);
  }
  wait_for_more();
  return false;
}

void session::dispatch() {
  at_ = at::handling;
  deadline_ = no_deadline;
  end_of_body();
  hold_body();
  ++number_;
  auto answerer = make_responder(home_, weak_from_this(), number_, facts_.accepts_gzip);
  const auto number = number_;
  if (!home_->handle.serve)
    answerer.reset();
  else {
    try {
      home_->handle.serve(std::move(request_), std::move(answerer));
    } catch (const std::exception& thrown) {
      log::error("http", "serve threw", {{"what", std::string_view{thrown.what()}}});
      answer_problem(number, internal_refusal());
    } catch (...) {
      answer_problem(number, internal_refusal());
    }
  }
  read(); // stays pending while the request is handled: so a peer that closes is noticed
}

bool session::upgrade() {
  if (!buffered().empty() || facts_.chunked || facts_.content_length > 0) {
    refuse(bad_request("bad_upgrade", "Nothing may follow an upgrade request before its answer."));
    return false;
  }
  auto socket = std::make_shared<websocket_link>(home_);
  std::variant<response, websocket_events> decision;
  try {
    decision = home_->handle.upgrade(request_, socket);
  } catch (const std::exception& thrown) {
    log::error("http", "upgrade threw", {{"what", std::string_view{thrown.what()}}});
    decision = home_->problem(shown_, internal_refusal());
  }
  if (at_ == at::closed) {
    socket->abandon();
    return false;
  }
  if (auto* refused = std::get_if<response>(&decision)) {
    socket->abandon();
    send(std::move(*refused), false);
    read();
    return false;
  }
  response decorated{101, {}, {}, {}};
  home_->decorate(shown_, decorated);
  at_ = at::closed;
  deadline_ = no_deadline;
  home_->remove(*this);
  start_websocket({home_, std::move(slot_), std::move(wire_), std::move(request_),
                   std::move(decorated), std::get<websocket_events>(std::move(decision)),
                   std::move(socket)});
  return false;
}

void session::tick(steady_time now) {
  if (now >= deadline_)
    on_deadline();
}

void session::on_deadline() {
  if (paused_) {
    ++home_->budget->bodies_refused;
    return refuse(over_capacity());
  }
  const bool asked = at_ == at::body || (at_ == at::head && !buffered().empty());
  if (!asked)
    return close_now();
  refuse(
      {408, {failure_kind::malformed, "request_timeout", "The request came too slowly.", {}, {}}});
}

} // namespace troupe::http::detail

#include "net/http/websocket_connection.hpp"

namespace troupe::http::detail {

namespace {

// A queued text costs more than its bytes: without this, empty texts would not be bounded.
constexpr std::size_t text_overhead = 64;
constexpr std::uint16_t try_again_later = 1013;

} // namespace

// With the mutex held.
void websocket_link::wake() {
  if (std::exchange(scheduled_, true))
    return;
  home_->mail.run_soon([self = shared_from_this()] {
    {
      const std::lock_guard lock(self->mutex_);
      self->scheduled_ = false;
    }
    if (const auto owner = self->owner_.lock())
      owner->flush();
  });
}

bool websocket_link::send(std::string text) {
  const std::lock_guard lock(mutex_);
  if (!open_)
    return false;
  const auto cost = text.size() + text_overhead;
  if (queued_bytes_ + in_flight_bytes_ + cost > home_->limits.stream_queue_bytes_max) {
    open_ = false;
    farewell_ = farewell{try_again_later, "the reader is too slow"};
    texts_.clear();
    queued_bytes_ = 0;
  } else {
    texts_.push_back(std::move(text));
    queued_bytes_ += cost;
  }
  gauge_.set(queued_bytes_ + in_flight_bytes_);
  wake();
  return open_;
}

void websocket_link::close(std::uint16_t code, std::string reason) {
  const std::lock_guard lock(mutex_);
  if (!open_)
    return;
  open_ = false;
  farewell_ = farewell{code, std::move(reason)};
  wake();
}

void websocket_link::attach(std::weak_ptr<websocket_session> owner) {
  owner_ = std::move(owner);
}

void websocket_link::abandon() {
  const std::lock_guard lock(mutex_);
  open_ = false;
  texts_.clear();
  queued_bytes_ = in_flight_bytes_ = 0;
  gauge_.set(0);
}

std::optional<std::string> websocket_link::next() {
  const std::lock_guard lock(mutex_);
  in_flight_bytes_ = 0;
  std::optional<std::string> text;
  if (!texts_.empty()) {
    text = std::move(texts_.front());
    texts_.pop_front();
    in_flight_bytes_ = text->size() + text_overhead;
    queued_bytes_ -= in_flight_bytes_;
  }
  gauge_.set(queued_bytes_ + in_flight_bytes_);
  return text;
}

std::optional<websocket_link::farewell> websocket_link::leaving() {
  const std::lock_guard lock(mutex_);
  return farewell_;
}

} // namespace troupe::http::detail

#include "net/http/event_stream.hpp"

#include "net/http/session.hpp"

namespace troupe::http::detail {

event_stream::event_stream(std::shared_ptr<core> home, std::weak_ptr<session> to)
    : home_(std::move(home)), to_(std::move(to)), gauge_(*home_, budget_kind::streams) {}

// With the mutex held.
void event_stream::wake() {
  if (std::exchange(scheduled_, true))
    return;
  home_->mail.run_soon([to = to_] {
    if (const auto target = to.lock())
      target->flush_stream();
  });
}

bool event_stream::write(std::string bytes) {
  const std::lock_guard lock(mutex_);
  if (!open_)
    return false;
  if (queued_.size() + in_flight_ + bytes.size() > home_->limits.stream_queue_bytes_max) {
    open_ = false;
    overflow_ = true;
    queued_ = {};
  } else if (queued_.empty()) {
    queued_ = std::move(bytes);
  } else {
    queued_ += bytes;
  }
  gauge_.set(queued_.size() + in_flight_);
  wake();
  return open_;
}

void event_stream::close() {
  const std::lock_guard lock(mutex_);
  if (!open_)
    return;
  open_ = false;
  wake();
}

bool event_stream::open() const noexcept {
  const std::lock_guard lock(mutex_);
  return open_;
}

void event_stream::on_close(std::function<void()> gone) {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_) {
      gone_ = std::move(gone);
      return;
    }
  }
  home_->mail.run_soon(std::move(gone));
}

event_stream::portion event_stream::take() {
  const std::lock_guard lock(mutex_);
  scheduled_ = false;
  portion out{std::move(queued_), !open_ && !overflow_, overflow_};
  queued_ = {};
  in_flight_ = out.bytes.size();
  gauge_.set(in_flight_);
  return out;
}

bool event_stream::overflowed() {
  const std::lock_guard lock(mutex_);
  scheduled_ = false; // the session has looked; what comes next must wake it again
  return overflow_;
}

void event_stream::written() {
  const std::lock_guard lock(mutex_);
  in_flight_ = 0;
  gauge_.set(queued_.size());
}

void event_stream::ended() {
  std::function<void()> gone;
  {
    const std::lock_guard lock(mutex_);
    open_ = false;
    if (std::exchange(ended_, true))
      return;
    queued_ = {};
    in_flight_ = 0;
    gauge_.set(0);
    gone = std::move(gone_);
  }
  if (gone)
    home_->mail.run_soon(std::move(gone));
}

} // namespace troupe::http::detail

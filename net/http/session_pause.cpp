// Bodies that wait for memory: while the node's budget is nearly used up, no more of them is read.
//
//   body ──(no room)──► paused ──(room, or its turn to be exempt)──► body
//                          └──(body_pause_max over)──► refused with 503
#include "net/http/session.hpp"

#include "runtime/base/log.hpp"

#include <algorithm>

namespace troupe::http::detail {

namespace {

// A body that fits into the first read costs less to take than to hold back.
constexpr std::size_t small_body_bytes_max = 16u << 10;
constexpr std::size_t counted_buffer_bytes_min = 4u << 10;
// While it is read, a body counts for what will be made of it too: when reading stops, what was
// read so far still grows.
constexpr std::size_t body_weight = 3;
// So many bodies go on without room: what ends work frees memory. Of bodies that fill the budget by
// themselves one at a time must come to its end.
constexpr unsigned exempt_max = 2;

} // namespace

bool session::may_read_body() {
  if (!home_->budget || exempt_ || home_->budget->reads())
    return true;
  if (chunks_)
    return false;
  const bool all_here = facts_.content_length - request_.body.size() <= buffered().size();
  return all_here || facts_.content_length <= small_body_bytes_max;
}

void session::pause() {
  paused_ = true;
  ++home_->bodies_waiting;
  ++home_->budget->bodies_paused;
  const auto now = std::chrono::steady_clock::now();
  if (pause_until_ == no_deadline) {
    pause_until_ = now + home_->limits.body_pause_max;
    urgent_ = ends_work();
  }
  deadline_ = pause_until_;
  home_->wait_for_memory(weak_from_this());
}

void session::resume(bool exempt) {
  if (!paused_)
    return;
  paused_ = false;
  --home_->bodies_waiting;
  if (exempt && !exempt_) {
    exempt_ = true;
    ++home_->exempt_bodies;
  }
  set_deadline(home_->limits.body_timeout);
  advance();
}

/// The body is whole, refused or lost: others may have its place.
void session::end_of_body() {
  if (paused_) {
    paused_ = false;
    --home_->bodies_waiting;
  }
  if (exempt_) {
    exempt_ = false;
    --home_->exempt_bodies;
    home_->mail.run_soon([raw = home_.get()] { raw->resume_bodies(); });
  }
  pause_until_ = no_deadline;
}

/// Makes room for `more` bytes of the body; never for more than was announced.
void session::grow_body(std::size_t more) {
  auto& body = request_.body;
  if (body.size() + more <= body.capacity())
    return;
  const auto announced = static_cast<std::size_t>(facts_.content_length);
  body.reserve(std::min(announced,
                        std::max({body.capacity() * 2, body.size() + more, small_body_bytes_max})));
}

/// The buffer of long bodies and what is there of the body.
void session::count_input() {
  const auto buffer = in_size_ > counted_buffer_bytes_min ? in_size_ : 0;
  const auto& body = request_.body;
  const bool large = body.capacity() > small_body_bytes_max;
  gauge_.set(body.capacity() + buffer, large ? body_weight : 1);
}

void session::hold_body() {
  if (home_->budget && request_.body.capacity() > small_body_bytes_max) {
    request_.body_claim =
        std::make_shared<byte_claim>(home_->budget, budget_kind::bodies, request_.body.capacity());
    gauge_.set(0);
  } else {
    gauge_.set(request_.body.size());
  }
}

bool session::ends_work() const {
  try {
    return home_->handle.urgent && home_->handle.urgent(shown_);
  } catch (const std::exception& thrown) {
    log::error("http", "urgent threw", {{"what", std::string_view{thrown.what()}}});
    return false;
  }
}

void core::wait_for_memory(std::weak_ptr<session> who) {
  waiting_bodies_.push_back(std::move(who));
  mail.run_soon([this] { resume_bodies(); });
}

void core::resume_bodies() {
  if (!budget || waiting_bodies_.empty())
    return;
  while (!waiting_bodies_.empty() && budget->reads()) {
    const auto next = waiting_bodies_.front().lock();
    waiting_bodies_.pop_front();
    if (next)
      next->resume(false);
  }
  std::erase_if(waiting_bodies_, [](const auto& one) {
    const auto alive = one.lock();
    return !alive || !alive->waits_for_memory();
  });
  while (exempt_bodies < exempt_max && !waiting_bodies_.empty()) {
    auto at = std::find_if(waiting_bodies_.begin(), waiting_bodies_.end(), [](const auto& one) {
      const auto alive = one.lock();
      return alive && alive->urgent();
    });
    const bool bodies_alone = budget->admits_without(budget_kind::bodies);
    if (at == waiting_bodies_.end() && exempt_bodies == 0 && bodies_alone)
      at = waiting_bodies_.begin();
    if (at == waiting_bodies_.end())
      break;
    const auto next = at->lock();
    waiting_bodies_.erase(at);
    if (next)
      next->resume(true);
  }
  if (!waiting_bodies_.empty())
    budget->want_relief();
}

} // namespace troupe::http::detail

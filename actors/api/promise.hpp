// A reply that is always given: dropped unanswered, it answers a failure itself.
#pragma once

#include "actors/api/engine_port.hpp"

#include <memory>
#include <utility>

namespace troupe {

/// Copies share one reply; the first answer wins, later ones do nothing. Not thread-safe: it
/// travels in messages, one owner at a time.
template <class T> class promise {
public:
  promise() = default;
  explicit promise(reply<T> answer) : box_(std::make_shared<box>(std::move(answer))) {}

  explicit operator bool() const noexcept { return box_ && box_->answer; }
  void operator()(result<T> what) const {
    if (!box_ || !box_->answer)
      return;
    const auto answer = std::exchange(box_->answer, nullptr);
    answer(std::move(what));
  }

private:
  struct box {
    explicit box(reply<T> a) : answer(std::move(a)) {}
    box(const box&) = delete;
    box& operator=(const box&) = delete;
    ~box() {
      if (answer)
        answer(failure{failure_kind::unavailable,
                       "not_answered",
                       "the node stopped before it could answer",
                       "try again with the same key",
                       {}});
    }
    reply<T> answer;
  };
  std::shared_ptr<box> box_;
};

} // namespace troupe

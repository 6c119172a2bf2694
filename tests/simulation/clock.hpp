// A node's clock: runs at its own speed, and its wall clock may jump.
#pragma once

#include "actors/api/clock.hpp"

#include <cstdint>

namespace troupe::test {

class sim_clock final : public engine_clock {
public:
  instant now() const override { return from_millis(1'800'000'000'000 + offset_) + elapsed(); }
  milliseconds elapsed() const override {
    return milliseconds(static_cast<std::int64_t>(elapsed_at(true_ms_)));
  }

  /// `permille`: of the true speed; before the first move_to().
  void runs_at(std::uint64_t permille) { speed_ = permille; }
  void move_to(std::uint64_t true_ms) { true_ms_ = true_ms; }
  void jump(std::int64_t ms) { offset_ += ms; }
  std::uint64_t elapsed_ms() const { return elapsed_at(true_ms_); }
  /// The first true time at which so much has elapsed.
  std::uint64_t true_at(std::uint64_t elapsed) const {
    return (elapsed * 1'000 + speed_ - 1) / speed_;
  }

private:
  std::uint64_t elapsed_at(std::uint64_t true_ms) const { return true_ms * speed_ / 1'000; }

  std::uint64_t speed_ = 1'000, true_ms_ = 0;
  std::int64_t offset_ = 0;
};

} // namespace troupe::test

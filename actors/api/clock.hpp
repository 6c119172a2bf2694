// The engine's time: the only place where actors learn what time it is.
#pragma once

#include "runtime/base/instant.hpp"

#include <atomic>
#include <chrono>

namespace troupe {

/// Thread-safe.
class engine_clock {
public:
  virtual ~engine_clock() = default;
  /// Wall-clock time. May jump.
  virtual instant now() const = 0;
  /// Time since some point in the past; never jumps, moves with the test clock.
  virtual milliseconds elapsed() const = 0;
};

class machine_clock final : public engine_clock {
public:
  instant now() const override {
    return std::chrono::time_point_cast<milliseconds>(std::chrono::system_clock::now());
  }
  milliseconds elapsed() const override {
    return std::chrono::duration_cast<milliseconds>(
        std::chrono::steady_clock::now().time_since_epoch());
  }
};

/// The machine's clock, moved ahead by tests. It never goes back.
class movable_clock final : public engine_clock {
public:
  instant now() const override { return machine_.now() + milliseconds(ahead_.load()); }
  milliseconds elapsed() const override { return machine_.elapsed() + milliseconds(ahead_.load()); }
  void advance(milliseconds by) { ahead_.fetch_add(by.count()); }

private:
  machine_clock machine_;
  std::atomic<std::int64_t> ahead_{0};
};

} // namespace troupe

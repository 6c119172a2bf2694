// The timers of one partition that are due soon; the store's index holds all of them.
#pragma once

#include "actors/api/shared.hpp"

#include <optional>
#include <queue>
#include <vector>

namespace troupe {

/// Not thread-safe: one partition owns it. Timers of the store are read a window at a time; timers
/// armed by live runs are pushed. A wait of some length fires by elapsed time, which no change of
/// the wall clock touches; everything else by the wall clock.
class timer_window {
public:
  struct due_timer {
    run_id run{};
    std::uint64_t timer = 0;
    instant due{};
  };

  timer_window(const engine_shared& shared, partition_id partition)
      : shared_(shared), partition_(partition) {}

  void arm(const run_id& run, const timer_armed& what);
  /// Reads on when the window's end comes near; then hands out what is due, at most `most`.
  std::vector<due_timer> take_due(std::size_t most);
  /// How long until something may be due or must be read; never more than a window.
  milliseconds next_wake() const;
  /// Whether the row is still there: a timer that was cancelled since needs nobody.
  bool stands(const due_timer& what) const;
  /// Looks at the store again from the beginning (recovery, or a clock that was moved).
  void reread();
  std::size_t size() const noexcept { return by_wall_.size() + by_elapsed_.size(); }

private:
  struct waiting {
    std::int64_t at = 0;
    due_timer what;
    friend bool operator>(const waiting& a, const waiting& b) noexcept { return a.at > b.at; }
  };
  using heap = std::priority_queue<waiting, std::vector<waiting>, std::greater<>>;
  void read_on();

  const engine_shared& shared_;
  const partition_id partition_;
  heap by_wall_, by_elapsed_;
  std::string read_from_;             ///< key after the last row that was read
  std::optional<instant> window_end_; ///< everything due before was read
  bool more_ = false;                 ///< the last read was cut off
};

} // namespace troupe

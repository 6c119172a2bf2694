// Timers that are long due and whose rows are still there: somebody lost them.
#pragma once

#include "actors/partition/timer_window.hpp"

#include <set>
#include <string>
#include <vector>

namespace troupe {

/// Not thread-safe: one partition owns it.
class overdue_timers {
public:
  overdue_timers(const engine_shared& shared, partition_id partition)
      : shared_(shared), partition_(partition) {}

  /// Those that were overdue at the last look and are still there; at most 100. Reads only rows
  /// that became overdue since everything was in order.
  std::vector<timer_window::due_timer> look();

private:
  const engine_shared& shared_;
  const partition_id partition_;
  std::string clear_to_;       ///< below this key there was none; empty: not known
  std::set<std::string> seen_; ///< keys of the last look
};

} // namespace troupe

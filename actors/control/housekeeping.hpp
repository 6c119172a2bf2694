// What every node does by itself: purges old runs, trims the log and finds stuck runs.
#pragma once

#include "actors/control/directory.hpp"

namespace troupe {

/// Not thread-safe: control's actor owns it, whether or not this node leads control. Runs are the
/// business of whoever leads their partition, the log that of every node.
class housekeeping {
public:
  housekeeping(engine_shared& shared, const directory& workflows)
      : shared_(shared), workflows_(workflows) {}

  /// Retention, old entries of the log, and a look for executions that are stuck.
  void look();

private:
  void sweep_retention();
  void trim_logs();
  void look_for_stuck();

  engine_shared& shared_;
  const directory& workflows_;
  milliseconds next_trim_{0};
};

/// Cancels what runs of a deleted workflow in the partitions that are led here.
void cancel_runs_of(engine_shared& shared, const std::string& workflow);

} // namespace troupe

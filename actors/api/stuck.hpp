// What was found hanging lately, for people to see.
#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/instant.hpp"
#include "runtime/base/json.hpp"

#include <deque>
#include <mutex>
#include <string>

namespace troupe {

/// Keeps the newest 100, for an hour each. Thread-safe.
class stuck_board {
public:
  /// `now` is elapsed time.
  void note(const run_id& run, std::string kind, std::string message, milliseconds now);
  /// As /system/alerts shows them, oldest first: {kind, execution_id, message, times}.
  json::array alerts(milliseconds now) const;

private:
  struct entry {
    run_id run{};
    std::string kind, message;
    milliseconds at{0};
    std::uint64_t times = 1;
  };
  mutable std::mutex mutex_;
  std::deque<entry> entries_;
};

} // namespace troupe

// The views on an embedded SQLite file.
#pragma once

#include "persistence/store/views.hpp"
#include "runtime/base/byte_budget.hpp"

#include <memory>
#include <string>

namespace troupe {

struct views_options {
  std::size_t cache_bytes = std::size_t{4} << 20;
  /// Files up to this size are checked in full at opening; larger ones only at their head.
  std::size_t check_bytes_max = std::size_t{32} << 20;
  byte_budget* budget = nullptr; ///< counts queued changes; outlives the views; may be empty
};

/// `was_recreated()`: the file was missing, damaged or of another version, and is empty now: feed
/// it from the log and the tables. Damage found later is noted beside the file; the next opening
/// recreates it.
class sqlite_views : public views {
public:
  virtual bool was_recreated() const noexcept = 0;
  /// For who feeds the views: waits while queued changes take more than a quarter of the budget, at
  /// most this long. Thread-safe.
  virtual void keep_pace(std::chrono::milliseconds most) = 0;
};

/// Opens or creates the file and starts the owner thread. The destructor applies what is queued and
/// answers waiting queries with what is there. `ready` functions run on the owner thread and must
/// not destroy the views.
result<std::unique_ptr<sqlite_views>> open_views(const std::string& path,
                                                 const views_options& options = {});

} // namespace troupe

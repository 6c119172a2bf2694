// Making the rows of lists again from what is durable: events, documents, and the log's notes of
// what an entry changed.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/control/directory.hpp"

#include <atomic>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

/// What was made so far. Written by one thread, read by any.
struct rebuild_progress {
  std::atomic<std::uint64_t> executions{0}, reviews{0}, documents{0};
  std::atomic<std::uint64_t> unreadable{0}; ///< runs whose history is damaged: not listed
  std::atomic<std::uint32_t> partitions{0}; ///< done, control included
};

/// Feeds views; positions are moved by reached() only. Blocks, with a bound on what is queued: for
/// a thread of its own. `go_on` is asked often, on that thread; once it says no, everything fails
/// with code "stopped".
class view_builder {
public:
  view_builder(std::shared_ptr<engine_shared> shared, views& into, rebuild_progress& progress,
               std::function<bool()> go_on);

  /// Every row that a partition leads to. Rows that are not in the store any more stay: clear the
  /// views first.
  result<void> everything(partition_id partition);

  /// What the entries behind `after`, up to `to`, changed. Code "log_trimmed" when not all are
  /// there any more.
  result<void> changed(partition_id partition, std::uint64_t after, std::uint64_t to);

  /// The rows of these runs (ids), or of these documents of control ("collection/id").
  result<void> show(partition_id partition, const std::vector<std::string>& names);

  /// Notes that a partition is shown up to this entry.
  void reached(partition_id partition, std::uint64_t index);

private:
  result<void> every_run(partition_id partition);
  result<void> every_document();
  result<void> documents_between(std::string from, const std::string& to);
  result<void> run(partition_id partition, const run_id& run);
  result<void> document(const std::string& collection, const std::string& id);
  result<void> named(partition_id partition, const std::string& name);
  result<void> add(view_change change);
  result<void> flush();

  std::shared_ptr<engine_shared> shared_;
  views& into_;
  rebuild_progress& progress_;
  std::function<bool()> go_on_;
  directory documents_; ///< compiles with the skills that are stored, whoever is connected
  std::vector<view_change> pending_;
  std::size_t pending_bytes_ = 0;
};

/// Without a node: all rows into empty views, positions included. `go_on` as above.
result<void> rebuild_views(const row_reader& rows, replicated_log& log, views& into,
                           const engine_settings& settings, rebuild_progress& progress,
                           const std::function<bool()>& go_on);

} // namespace troupe

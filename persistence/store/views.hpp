// The read views: lists, filters, statistics and full-text search over a disposable SQLite file.
#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

/// One row of a view, whole (an upsert by its key), as the projection made it.
struct execution_row {
  run_id id;
  std::string workflow_id, workflow_name, status, trigger_type, triggered_by, parent_id, user;
  std::uint32_t workflow_version = 0;
  std::string priority;
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> started_ms, completed_ms;
  std::string error_code, error_message;
  std::uint64_t last_seq = 0;
  std::uint32_t attempt = 1;
};
struct review_row {
  std::string id;
  run_id execution;
  std::string workflow_id, node, kind, title, priority,
      status;       ///< status: pending, approved, rejected, completed, timeout, cancelled
  std::string body; ///< JSON of the whole review as the API shows it
  std::int64_t created_ms = 0;
  std::optional<std::int64_t> due_ms, decided_ms;
};
struct document_row {
  std::string collection, id, name;
  std::string body; ///< JSON as the API shows it
  std::string tags; ///< JSON list of strings
  std::string text; ///< what full-text search sees
  bool enabled = true;
  std::int64_t created_ms = 0, updated_ms = 0;
  std::uint64_t version = 0;
};
struct execution_gone {
  run_id id;
};
struct document_gone {
  std::string collection, id;
};
using view_change =
    std::variant<execution_row, review_row, document_row, execution_gone, document_gone>;

/// A page of JSON objects, as a list route answers it.
struct view_page {
  std::vector<std::string> items; ///< JSON texts
  std::uint64_t total_count = 0;
  std::string next_cursor; ///< empty: no more
  bool stale = false;
};

struct execution_filter {
  std::string workflow_id, status, trigger_type, parent_id, user;
  std::optional<std::int64_t> created_from_ms, created_to_ms;
  bool quarantined = false; ///< only those that the engine gave up
  std::uint32_t limit = 50;
  std::string cursor;
  std::string triggered_by;
};
struct review_filter {
  std::string execution, status, workflow_id;
  std::uint32_t limit = 50;
  std::string cursor;
};
struct document_filter {
  std::string collection, query; ///< query: full text, any language
  std::vector<std::string> tags; ///< all must be there
  std::optional<bool> enabled;
  std::string field, field_value; ///< exact match of one top-level member of the body
  std::uint32_t limit = 50;
  std::string cursor;
};
/// Counts for EN-35: {total, by_status, avg_duration, success_rate}; one workflow or all.
struct execution_stats_query {
  std::string workflow_id;
};
/// Terminal runs that retention wants to purge, oldest first.
struct retention_query {
  std::string status; ///< empty: any terminal status
  std::optional<std::int64_t> completed_before_ms;
  std::optional<std::uint64_t> keep_newest; ///< per workflow
  std::uint32_t limit = 500;
};
using view_query = std::variant<execution_filter, review_filter, document_filter,
                                execution_stats_query, retention_query>;

/// One owner thread; changes are applied in batches, each with its position in one transaction.
class views {
public:
  virtual ~views() = default;

  /// Queues changes that came with entry `index` of `partition`. Never blocks; thread-safe.
  virtual void apply(partition_id partition, std::uint64_t index,
                     std::vector<view_change> changes) = 0;

  /// The index up to which a partition's entries are in the views, durably (0: none).
  virtual std::uint64_t applied(partition_id partition) const = 0;

  /// Positions a reader wants to see, waited for at most `wait`.
  struct position {
    partition_id partition{};
    std::uint64_t index = 0;
  };
  /// Answers on the views' thread. Never blocks the caller; thread-safe.
  using page_ready = std::function<void(result<view_page>)>;
  virtual void query(view_query what, std::vector<position> at_least,
                     std::chrono::milliseconds wait, page_ready ready) = 0;

  /// Changes queued and not applied.
  virtual std::size_t lag() const = 0;

  /// Queues the removal of every row and position; what is queued later stays. Never blocks;
  /// thread-safe.
  virtual void clear() = 0;

  /// Queues the removal of a partition's rows that `stays` says no to: executions with their
  /// reviews, documents for control. It gets an execution_gone or document_gone for each row, on
  /// the views' thread, and is let go of once all were asked (or nothing can be removed any more).
  /// What is queued later stays behind it. Never blocks; thread-safe.
  using row_filter = std::function<bool(const view_change& row)>;
  virtual void sweep(partition_id partition, row_filter stays) = 0;

  /// Waits until at most `changes` are queued, for whoever feeds many. False: `wait` was over
  /// before. Thread-safe; blocks.
  virtual bool wait_for_room(std::size_t changes, std::chrono::milliseconds wait) = 0;
};

} // namespace troupe

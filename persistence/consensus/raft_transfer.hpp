// The state of a partition on its way from a leader to a follower that is too far behind the log:
// the follower asks for one part after the other, and changes its own rows only when it has all.
//
//   receiving → swapping → done        a start finds `staged` and swaps again
//   (rows of the staging partition)
#pragma once

#include "persistence/consensus/raft_wire.hpp"
#include "persistence/store/entry.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>

namespace troupe::raft {

inline constexpr std::size_t state_part_bytes = std::size_t{256} << 10;

/// Rows of `log_meta` that a group keeps beside the log's head.
std::string ballot_key(partition_id partition);
std::string snapshot_key(partition_id partition);
std::string staged_key(partition_id partition);

/// The leader's side: what is being read for whom. Each reads a view of the rows that stays the
/// same while the partition goes on.
class state_exports {
public:
  state_exports(partition_id partition, const row_store& rows)
      : partition_(partition), rows_(rows) {}

  result<state_part> part(std::uint64_t now_ms, node_number to, const fetch_state& what);
  /// Lets go of those that nobody asks for any more.
  void tick(std::uint64_t now_ms);
  void clear() { exports_.clear(); }

private:
  struct reading {
    std::uint64_t transfer = 0;
    std::unique_ptr<row_reader> rows;
    std::uint64_t asked_ms = 0;
    std::uint32_t next = 0;
    std::size_t at_table = 0;
    std::string from; ///< key in that table
    state_part last_part;
  };
  result<void> read_part(reading& from, state_part& into) const;

  const partition_id partition_;
  const row_store& rows_;
  std::map<node_number, reading> exports_;
};

/// The follower's side.
class state_install {
public:
  state_install(partition_id partition, row_store& rows, snapshot_mark mark,
                std::uint64_t transfer);

  const snapshot_mark& mark() const noexcept { return mark_; }
  /// What must be asked for; empty: nothing at this time.
  std::optional<fetch_state> wanted(std::uint64_t now_ms);
  /// When advance() or wanted() has something to do; 0: now.
  std::uint64_t deadline_ms() const noexcept;
  result<void> receive(const state_part& part);
  /// Moves a bounded number of rows to their place. True: all is there and durable.
  result<bool> advance(std::uint64_t now_ms);
  const log_head& head() const noexcept { return head_; }
  /// All parts are staged already, as a start found them.
  void resume(const log_head& head);

private:
  struct staged_rows {
    std::vector<row_change> rows;
    std::size_t at_table;
    std::string from;
  };
  result<void> begin();
  result<staged_rows> read_staged() const;
  result<void> finish();

  const partition_id partition_;
  row_store& rows_;
  const snapshot_mark mark_;
  const std::uint64_t transfer_;
  std::uint32_t next_ = 0;
  std::uint64_t asked_ms_ = 0;
  std::uint64_t again_ms_ = 0; ///< of a write that a full disk refused
  bool begun_ = false, all_here_ = false;
  log_head head_;
  std::size_t at_table_ = 0;
  std::string from_; ///< key among the staged rows
};

/// At a start: ends the swap that a crash cut off. Empty: there was none.
result<std::optional<log_head>> finish_staged(partition_id partition, row_store& rows);

} // namespace troupe::raft

// The ports of the store: reading rows, and the one way to change them.
#pragma once

#include "persistence/store/tables.hpp"
#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Reads committed rows. Thread-safe; a read sees every proposal that was acknowledged before it.
class row_reader {
public:
  virtual ~row_reader() = default;

  /// The value of one row; an empty optional when there is none. A failure (code
  /// "store_corrupt") names the table and key in hex when the stored bytes fail their checksum.
  virtual result<std::optional<std::string>> get(table in, std::string_view key) const = 0;

  /// Calls `each(key, value)` for the rows of [from, to) in key order until it returns false. An
  /// empty `to` means the end of the table. `reverse` starts at the end.
  using row_visitor = std::function<bool(std::string_view key, std::string_view value)>;
  virtual result<void> scan(table in, std::string_view from, std::string_view to,
                            const row_visitor& each, bool reverse = false) const = 0;
};

/// What one partition asks to be made durable together.
struct proposal {
  partition_id partition{};
  std::vector<row_change> facts;   ///< event and document rows: what a replica must be sent
  std::vector<row_change> derived; ///< projected from the facts; every replica can make them again
  std::string changed; ///< what the entry touched, for the views (store does not read it)
};

/// How a proposal ended. Called on the log's own thread; must not block and must not throw.
/// On success `index` is the partition's log index of the entry that carries the proposal.
using proposal_done = std::function<void(const result<std::uint64_t>& index)>;

/// The only way in. One entry a partition and flush; one fsync for the entries of all partitions.
class replicated_log {
public:
  virtual ~replicated_log() = default;

  /// Queues the proposal and returns at once; `done` is called exactly once. Proposals of one
  /// partition commit in the order of their calls. Fails with kind `storage_full` (code
  /// "storage_full") when the disk is full, `unavailable` (code "shutting_down") once closing
  /// began. A failed fsync ends the process.
  virtual void propose(proposal what, proposal_done done) = 0;

  /// Index of the last applied entry of a partition.
  virtual std::uint64_t applied(partition_id partition) const = 0;

  /// Bytes and proposals queued but not yet durable.
  struct queue_size {
    std::size_t proposals = 0;
    std::size_t bytes = 0;
    std::chrono::milliseconds oldest{0}; ///< how long the first of them has waited
    bool refusing = false;               ///< the disk is full: writes fail until there is space
  };
  virtual queue_size queued() const = 0;

  /// Drops `log` rows of a partition up to and including an index, with the next flush. Returns at
  /// once; a trim that the disk refuses is asked for again later.
  virtual void trim_log(partition_id partition, std::uint64_t up_to_index) = 0;
};

} // namespace troupe

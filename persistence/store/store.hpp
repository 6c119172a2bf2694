// The ports of the store: reading rows, and the one way to change them.
#pragma once

#include "persistence/store/tables.hpp"
#include "runtime/base/release.hpp"
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

/// Rows as a log with peers keeps them: the log writes them itself. Thread-safe.
class row_store : public row_reader {
public:
  /// Writes the rows in order and together; blocks. `durable`: they, and all that was written
  /// before, outlive a power cut when it returns. Fails with code "storage_full": nothing was
  /// written. A failed fsync ends the process.
  virtual result<void> write_batch(std::vector<row_change> rows, bool durable) = 0;

  /// The rows as they are now, whatever is written later.
  virtual std::unique_ptr<row_reader> pin() const = 0;

  /// The disk is full or nearly: only what frees space should be written.
  virtual bool refusing() const = 0;
};

/// What one partition asks to be made durable together.
struct proposal {
  partition_id partition{};
  std::vector<row_change> facts;   ///< event and document rows: what a replica must be sent
  std::vector<row_change> derived; ///< projected from the facts; every replica can make them again
  std::string changed; ///< what the entry touched, for the views (store does not read it)
  /// The term under whose leadership it was decided; a log that has another leader by now refuses
  /// it. 0: whoever leads.
  std::uint64_t term = 0;
};

/// Who leads a partition, as this node knows it.
struct leadership {
  std::uint64_t term = 1;   ///< grows with every election
  std::uint64_t leader = 0; ///< number of the leader's node; 0: not known
  bool here = true;         ///< this node leads, and what former terms committed is applied
  friend bool operator==(const leadership&, const leadership&) = default;
};

/// Hears of a log on the log's own thread; must not block and must not throw.
class log_follower {
public:
  virtual ~log_follower() = default;

  /// The leadership of a partition is another one now.
  virtual void led(partition_id partition, const leadership& now) = 0;

  /// An entry is applied that this node did not propose under the leadership it has now: its rows
  /// can be read. `changed` as in the proposals, in order. An `index` behind the next one: the rows
  /// up to it came as a whole, and `changed` is empty.
  virtual void applied(partition_id partition, std::uint64_t index,
                       const std::vector<std::string_view>& changed) = 0;
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
  /// "storage_full") when the disk is full, `unavailable` with code "shutting_down" once closing
  /// began, "not_leader" where the proposal's leadership has ended (it did not and will not commit)
  /// and "leadership_lost" when it ended before the commit was known (it may commit yet). A failed
  /// fsync ends the process.
  virtual void propose(proposal what, proposal_done done) = 0;

  /// Index of the last applied entry of a partition.
  virtual std::uint64_t applied(partition_id partition) const = 0;

  /// Thread-safe. A log without peers leads everything.
  virtual leadership leads(partition_id partition) const {
    (void)partition;
    return {};
  }

  /// Whether this node leads under that term and a majority answered within the election timeout:
  /// then nobody else leads, and an effect may start. Thread-safe.
  virtual bool may_act(partition_id partition, std::uint64_t term) const {
    const auto now = leads(partition);
    return now.here && now.term == term;
  }

  /// Begins to tell `who` (nullptr: nobody) of changes from now on; when it returns, who was told
  /// before hears nothing more. A log without peers has nothing to tell.
  virtual void follow(log_follower* who) { (void)who; }

  /// The newest kinds of records that may be written now: every reader of this log knows them.
  /// Whoever chooses a format asks here. Thread-safe; it only grows.
  virtual std::uint32_t feature_level() const { return feature_level_newest; }

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

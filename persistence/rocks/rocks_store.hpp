// The durable store: rows and the log of all partitions in one RocksDB with one write-ahead log.
#pragma once

#include "persistence/store/entry.hpp"
#include "persistence/store/store.hpp"
#include "runtime/base/byte_budget.hpp"

#include <array>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

namespace rocksdb {
class FileSystem;
}

namespace troupe {

struct rocks_options {
  std::string data_dir;          ///< made with mode 0700 when it is not there
  std::uint16_t partitions = 16; ///< P; used when the directory is created, then stored
  std::size_t block_cache_bytes = std::size_t{16} << 20;
  std::size_t write_buffers_bytes = std::size_t{64} << 20; ///< of all tables together
  std::size_t wal_bytes_max = std::size_t{96} << 20;       ///< bounds what a restart replays
  /// Below this much free space only proposals that delete ranges are taken.
  std::uint64_t disk_reserve_bytes = std::uint64_t{64} << 20;
  /// Schema to migrate to at opening; empty: the newest this build knows.
  std::optional<std::uint32_t> schema_version;
  std::shared_ptr<rocksdb::FileSystem> file_system;         ///< for tests; empty: the machine's
  std::uint32_t feature_level_known = feature_level_newest; ///< of this build; tests pretend
  byte_budget* budget = nullptr; ///< counts queued proposals; outlives the store; may be empty
  /// Called on the log's thread before it takes what has gathered; may wait a bounded time, so that
  /// who follows the log can keep up. May be empty.
  std::function<void()> before_flush;
};

/// What opening found in the write-ahead log.
struct recovery_report {
  std::uint64_t wal_files = 0;
  std::uint64_t flushes_replayed = 0;
  std::uint64_t torn_bytes_cut = 0; ///< of a write that was in flight at the crash
};

struct disk_usage {
  std::uint64_t tables_bytes = 0; ///< live files of all tables, blobs included
  std::uint64_t wal_bytes = 0;
  std::uint64_t free_bytes = 0; ///< left on the disk
  std::array<std::uint64_t, table_count> table_bytes{};
};

struct writer_stats {
  std::uint64_t flushes = 0;
  std::uint64_t proposals = 0;
  std::uint64_t bytes = 0;
  std::size_t queue_bytes_high = 0;
  std::size_t queue_proposals_high = 0;
  bool accepts_writes = true;
};

/// Thread-safe. The destructor commits what is queued, then closes the files; it must not run
/// inside a `done` function.
class rocks_store : public row_store, public replicated_log {
public:
  /// Writes rows outside of every log (blobs before the entry that names them, migrations) and
  /// waits until they are durable. Not to be called inside a `done` function.
  virtual result<void> write_rows(std::vector<row_change> rows) = 0;

  /// Durable; a build that knows less will not open the directory any more. Lower ones are ignored.
  virtual result<void> raise_feature_level(std::uint32_t level) = 0;

  virtual result<log_head> head(partition_id partition) const = 0;
  virtual std::uint16_t partitions() const = 0; ///< P: the highest partition number
  virtual const recovery_report& recovered() const = 0;
  virtual writer_stats stats() const = 0;

  /// Rewrites the files of [from, to) so that deleted rows give back their space. Blocks.
  virtual result<void> compact(table in, std::string_view from, std::string_view to) = 0;

  /// For a range in which nothing will be written again (a purged partition range): deletes its
  /// rows, drops whole files at once, then compacts. Blocks.
  virtual result<void> reclaim(table in, std::string_view from, std::string_view to) = 0;

  /// Writes the memory table of one table to files. Blocks.
  virtual result<void> flush(table in) = 0;

  /// Reads every file and compares checksums. Blocks; takes as long as reading the disk.
  virtual result<void> verify_files() = 0;

  virtual result<disk_usage> usage() const = 0;

  /// Makes a consistent copy of the store in `dir` while writes go on; `dir` must not exist or be
  /// empty. Every file is copied, synced and listed with its SHA-256. Blocks.
  virtual result<void> backup_to(const std::string& dir) = 0;
};

/// Opens or creates a data directory. Failures: "data_dir_in_use", "data_dir_not_writable",
/// "data_dir_foreign", "data_dir_newer", "data_dir_incomplete", "store_corrupt", "storage_full".
result<std::unique_ptr<rocks_store>> open_rocks_store(const rocks_options& options);

/// Restores a backup into a directory that does not exist or is empty, after verifying every
/// checksum. Failures: "backup_damaged", "backup_newer", "data_dir_not_empty".
result<void> restore_backup(const std::string& backup, const std::string& data_dir);

} // namespace troupe

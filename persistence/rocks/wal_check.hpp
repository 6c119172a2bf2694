// Looks at the write-ahead log before RocksDB does, because RocksDB's recovery modes either refuse
// a torn tail or silently drop acknowledged records behind a damaged one.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::rocks {

/// Written after a full disk stopped the log in the middle of a write: records above `sequence` in
/// files up to `file` were refused to their callers and must not come back.
struct wal_cut {
  std::uint64_t file = 0;
  std::uint64_t sequence = 0;
};
std::string encode(const std::vector<wal_cut>& cuts);
std::vector<wal_cut> wal_cuts_from(std::string_view text);

/// What the manifest says about the log: older files and records are in tables already.
struct wal_start {
  std::uint64_t first_file = 0;
  std::uint64_t flushed_sequence = 0; ///< some record up to here may be in tables
  bool log_expected = true; ///< false only for a fresh copy of a backup, which may have none
};

struct wal_summary {
  std::uint64_t files = 0;
  std::uint64_t records = 0;
  std::uint64_t bytes_cut = 0;
};

/// Reads the log files of `dir` from `start` on and compares every checksum and the chain of
/// sequence numbers. An unfinished record at the very end is the write that was in flight: the file
/// is cut there and synced. Anything else that does not fit is the failure "store_corrupt" with
/// file and offset, and nothing is changed. Only for a directory that nobody writes to.
result<wal_summary> check_wals(const std::string& dir, const wal_start& start,
                               const std::vector<wal_cut>& cuts);

/// The path of a log file.
std::string wal_path(const std::string& dir, std::uint64_t number);

/// Highest number of a log file in `dir`; 0: none.
result<std::uint64_t> newest_wal(const std::string& dir);

} // namespace troupe::rocks

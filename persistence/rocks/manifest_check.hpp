// Notices a manifest that lost its end. RocksDB takes a short manifest for one that was being
// written when the process died; but when a flush was complete, its log file is gone too, and rows
// with it.
#pragma once

#include "runtime/base/result.hpp"

#include <rocksdb/listener.h>

#include <cstdint>
#include <mutex>
#include <string>

namespace rocksdb {
class DB;
}

namespace troupe::rocks {

/// What the file `manifest-witness` says: so much of this manifest was durable, with this checksum.
struct manifest_witness {
  std::string manifest;
  std::uint64_t bytes = 0;
  std::uint32_t checksum = 0;
};

/// Compares the manifest that CURRENT names with the witness file; no witness is no complaint.
/// Failure: "store_corrupt".
result<void> check_manifest(const std::string& database, const std::string& witness_file);

/// Keeps the witness after every flush, before RocksDB deletes the log files that it replaces.
class manifest_keeper final : public rocksdb::EventListener {
public:
  manifest_keeper(std::string database, std::string witness_file)
      : database_(std::move(database)), witness_file_(std::move(witness_file)) {}

  /// Writes the witness for what is durable now. An old witness stays true if that fails.
  void keep(rocksdb::DB& db);
  void OnFlushCompleted(rocksdb::DB* db, const rocksdb::FlushJobInfo&) override { keep(*db); }

private:
  const std::string database_;
  const std::string witness_file_;
  std::mutex mutex_;
  manifest_witness kept_;
};

} // namespace troupe::rocks

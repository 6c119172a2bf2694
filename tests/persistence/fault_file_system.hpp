// A file system for RocksDB that breaks on demand: power cuts, failing syncs, a full disk.
#pragma once

#include "runtime/base/prng.hpp"

#include <rocksdb/env.h>
#include <rocksdb/file_system.h>

#include <atomic>
#include <map>
#include <memory>
#include <mutex>
#include <string>

namespace troupe::test {

/// What tests switch. Thread-safe.
struct faults {
  std::atomic<bool> disk_full{false};
  std::atomic<bool> ignore_syncs{false};     ///< the control: claims durability, gives none
  std::atomic<std::int64_t> fail_sync_at{0}; ///< the n-th sync from now fails with EIO; 0: none
  std::atomic<std::int64_t> syncs{0};
  /// The process kills itself before it deletes its n-th log file; 0: never.
  std::atomic<std::int64_t> die_at_log_deletion{0};
};

class fault_file_system final : public rocksdb::FileSystemWrapper {
public:
  fault_file_system() : FileSystemWrapper(rocksdb::FileSystem::Default()) {}
  const char* Name() const override { return "fault_file_system"; }

  faults& switches() { return faults_; }

  /// Cuts every file written through this object back to what was synced. Of the bytes after that
  /// a random part may stay (a torn tail), with garbage in its last sector. The database must be
  /// gone: nothing writes any more.
  void cut_power(prng& random, bool torn);

  rocksdb::IOStatus NewWritableFile(const std::string& name, const rocksdb::FileOptions& options,
                                    std::unique_ptr<rocksdb::FSWritableFile>* file,
                                    rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus RenameFile(const std::string& from, const std::string& to,
                               const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus DeleteFile(const std::string& name, const rocksdb::IOOptions& options,
                               rocksdb::IODebugContext* debug) override;
  rocksdb::IOStatus GetFreeSpace(const std::string& path, const rocksdb::IOOptions& options,
                                 std::uint64_t* free, rocksdb::IODebugContext* debug) override;

  void synced(const std::string& name, std::uint64_t bytes);

private:
  faults faults_;
  std::mutex mutex_;
  std::map<std::string, std::uint64_t> synced_; ///< bytes of each written file that are durable
};

} // namespace troupe::test

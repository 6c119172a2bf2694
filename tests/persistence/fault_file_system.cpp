#include "tests/persistence/fault_file_system.hpp"

#include <algorithm>
#include <csignal>
#include <fcntl.h>
#include <filesystem>
#include <unistd.h>

namespace troupe::test {

namespace {

using rocksdb::IODebugContext;
using rocksdb::IOOptions;
using rocksdb::IOStatus;
using rocksdb::Slice;

IOStatus no_space() {
  auto status = IOStatus::NoSpace("no space (injected)");
  status.SetRetryable(true);
  return status;
}

class faulty_file final : public rocksdb::FSWritableFileOwnerWrapper {
public:
  faulty_file(std::string name, fault_file_system& system,
              std::unique_ptr<rocksdb::FSWritableFile> target)
      : FSWritableFileOwnerWrapper(std::move(target)), name_(std::move(name)), system_(system) {}

  IOStatus Append(const Slice& data, const IOOptions& options, IODebugContext* debug) override {
    if (system_.switches().disk_full) {
      // As a real disk does: the part that still fits is written.
      const Slice part(data.data(), data.size() / 2);
      if (FSWritableFileOwnerWrapper::Append(part, options, debug).ok())
        bytes_ += part.size();
      return no_space();
    }
    const auto status = FSWritableFileOwnerWrapper::Append(data, options, debug);
    if (status.ok())
      bytes_ += data.size();
    return status;
  }
  IOStatus Append(const Slice& data, const IOOptions& options, const rocksdb::DataVerificationInfo&,
                  IODebugContext* debug) override {
    return Append(data, options, debug);
  }
  IOStatus Sync(const IOOptions& options, IODebugContext* debug) override {
    return sync(options, debug);
  }
  IOStatus Fsync(const IOOptions& options, IODebugContext* debug) override {
    return sync(options, debug);
  }

private:
  IOStatus sync(const IOOptions&, IODebugContext*) {
    auto& faults = system_.switches();
    const auto count = ++faults.syncs;
    if (const auto at = faults.fail_sync_at.load(); at > 0 && count >= at)
      return IOStatus::IOError("sync failed (injected)");
    if (faults.disk_full)
      return no_space();
    if (!faults.ignore_syncs)
      system_.synced(name_, bytes_);
    return IOStatus::OK();
  }

  std::string name_;
  fault_file_system& system_;
  std::uint64_t bytes_ = 0;
};

} // namespace

IOStatus fault_file_system::NewWritableFile(const std::string& name,
                                            const rocksdb::FileOptions& options,
                                            std::unique_ptr<rocksdb::FSWritableFile>* file,
                                            IODebugContext* debug) {
  // As on a real full disk, a file can be made; it takes no bytes.
  std::unique_ptr<rocksdb::FSWritableFile> target;
  const auto status = FileSystemWrapper::NewWritableFile(name, options, &target, debug);
  if (!status.ok())
    return status;
  synced(name, 0);
  *file = std::make_unique<faulty_file>(name, *this, std::move(target));
  return status;
}

IOStatus fault_file_system::RenameFile(const std::string& from, const std::string& to,
                                       const IOOptions& options, IODebugContext* debug) {
  const auto status = FileSystemWrapper::RenameFile(from, to, options, debug);
  const std::lock_guard lock(mutex_);
  if (const auto found = synced_.find(from); status.ok() && found != synced_.end()) {
    synced_[to] = found->second;
    synced_.erase(from);
  }
  return status;
}

IOStatus fault_file_system::DeleteFile(const std::string& name, const IOOptions& options,
                                       IODebugContext* debug) {
  if (name.ends_with(".log") && faults_.die_at_log_deletion > 0 &&
      --faults_.die_at_log_deletion == 0)
    ::kill(::getpid(), SIGKILL);
  const auto status = FileSystemWrapper::DeleteFile(name, options, debug);
  const std::lock_guard lock(mutex_);
  if (status.ok())
    synced_.erase(name);
  return status;
}

IOStatus fault_file_system::GetFreeSpace(const std::string& path, const IOOptions& options,
                                         std::uint64_t* free, IODebugContext* debug) {
  if (!faults_.disk_full)
    return FileSystemWrapper::GetFreeSpace(path, options, free, debug);
  *free = 0;
  return IOStatus::OK();
}

void fault_file_system::synced(const std::string& name, std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  synced_[name] = bytes;
}

void fault_file_system::cut_power(prng& random, bool torn) {
  const std::lock_guard lock(mutex_);
  for (const auto& [name, durable] : synced_) {
    std::error_code missing;
    const auto size = std::filesystem::file_size(name, missing);
    // RocksDB's own LOG file is for people; nothing reads it back.
    if (missing || size <= durable || name.find("/LOG") != std::string::npos)
      continue;
    auto keep = durable;
    // A torn tail can only be in the write-ahead log: every other file is synced before it is used.
    if (torn && name.ends_with(".log"))
      keep += random.below(size - durable + 1);
    std::filesystem::resize_file(name, keep);
    if (keep > durable && random.below(2) == 0) {
      const int file = ::open(name.c_str(), O_WRONLY);
      const auto garbage = std::min<std::uint64_t>(keep - durable, 1 + random.below(512));
      const std::string zeros(garbage, static_cast<char>(random.below(2) * 0xa5));
      [[maybe_unused]] const auto written =
          ::pwrite(file, zeros.data(), zeros.size(), static_cast<off_t>(keep - garbage));
      ::close(file);
    }
  }
  synced_.clear();
}

} // namespace troupe::test

// From RocksDB's statuses to failures, and the end of the process after a failed write.
#pragma once

#include "persistence/store/refusals.hpp"
#include "runtime/base/result.hpp"

#include <rocksdb/status.h>

#include <string>
#include <string_view>

namespace troupe::rocks {

/// True when the disk had no space for the operation.
bool disk_full(const rocksdb::Status& status) noexcept;

/// True when the medium refused a write or a sync: what is on the disk is unknown from here on.
bool medium_failed(const rocksdb::Status& status) noexcept;

/// True when the device itself reported an error (EIO): the files may be whole all the same.
bool device_failed(const rocksdb::Status& status);

/// The status as a failure; folders are stripped from its words.
failure to_failure(const rocksdb::Status& status);

/// Damage that was found in stored bytes; the hint names the tools to run.
failure corrupt(std::string what);

/// Writes a critical line, then ends the process with status 74 at once: a failed fsync must never
/// be retried, because the kernel may already have dropped the pages it could not write.
[[noreturn]] void end_process(const rocksdb::Status& status, std::string_view during) noexcept;

} // namespace troupe::rocks

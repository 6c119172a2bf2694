// The open RocksDB with its column families, and the careful way of opening it.
#pragma once

#include "persistence/rocks/data_dir.hpp"
#include "persistence/rocks/rocks_store.hpp"
#include "persistence/rocks/wal_check.hpp"

#include <rocksdb/db.h>
#include <rocksdb/env.h>

#include <memory>
#include <string>
#include <vector>

namespace troupe::rocks {

/// Owns the database and its handles. Reading and writing through it is as thread-safe as RocksDB.
class database {
public:
  /// Checks what is on the disk first (schema, write-ahead log), then opens. A directory that is
  /// not fresh must hold a whole database.
  static result<std::unique_ptr<database>> open(data_dir dir, const rocks_options& options);
  ~database();
  database(const database&) = delete;
  database& operator=(const database&) = delete;

  rocksdb::DB& db() const noexcept { return *db_; }
  rocksdb::ColumnFamilyHandle* family(table in) const noexcept {
    return families_[static_cast<std::size_t>(in)];
  }
  data_dir& dir() noexcept { return dir_; }
  const recovery_report& recovered() const noexcept { return recovered_; }
  result<std::uint64_t> free_bytes() const;

private:
  database(data_dir dir, std::unique_ptr<rocksdb::Env> env)
      : dir_(std::move(dir)), env_(std::move(env)) {}

  data_dir dir_;
  std::unique_ptr<rocksdb::Env> env_; ///< only with a file system of a test
  std::unique_ptr<rocksdb::DB> db_;
  std::vector<rocksdb::ColumnFamilyHandle*> families_;
  recovery_report recovered_;
};

} // namespace troupe::rocks

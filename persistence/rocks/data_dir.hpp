// The data directory itself: whose it is, that only one process has it, and whether it is whole.
#pragma once

#include "persistence/rocks/files.hpp"

#include <string>

namespace troupe::rocks {

/// A data directory that this process has for itself until the object dies.
///
///   TROUPE         marker: creating → complete; restoring → restored → complete
///   LOCK           held with flock
///   wal-cuts       only after a full disk, see wal_check.hpp
///   manifest-witness  see manifest_check.hpp
///   loading        see loading_file.hpp
///   rocks/         the database
class data_dir {
public:
  /// Makes the directory (mode 0700) when it is not there and takes its lock. Failures:
  /// "data_dir_in_use", "data_dir_foreign" (a folder with other files), "data_dir_incomplete" (a
  /// restore did not end), "data_dir_newer", "data_dir_not_writable", "data_dir_unusable".
  static result<data_dir> take(const std::string& path);

  /// Makes an empty directory that says "restoring" until mark_complete(). Failure:
  /// "data_dir_not_empty".
  static result<data_dir> take_for_restore(const std::string& path);

  /// True until the first mark_complete(): nothing was ever acknowledged from here.
  bool fresh() const noexcept { return fresh_; }
  /// True for a restored backup that was not opened yet: it may lack a log.
  bool restored() const noexcept { return restored_; }
  result<void> mark_complete();
  result<void> mark_restored();

  const std::string& path() const noexcept { return path_; }
  std::string database() const { return path_ + "/rocks"; }
  std::string manifest_witness() const { return path_ + "/manifest-witness"; }
  std::string wal_cuts() const { return path_ + "/wal-cuts"; }

private:
  data_dir(std::string path, descriptor lock, bool fresh)
      : path_(std::move(path)), lock_(std::move(lock)), fresh_(fresh) {}

  std::string path_;
  descriptor lock_;
  bool fresh_;
  bool restored_ = false;
};

} // namespace troupe::rocks

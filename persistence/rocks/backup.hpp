// Online backup: a checkpoint of hard links, copied with the SHA-256 of every file.
#pragma once

#include "persistence/rocks/database.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <vector>

namespace troupe::rocks {

/// The file `manifest.json` of a backup; written last, so that a backup without it is not one.
struct backup_manifest {
  struct file {
    std::string name;
    std::uint64_t bytes = 0;
    std::string sha256;
  };
  std::string created_by;
  std::uint32_t schema_version = 0;
  std::string store_id;
  std::vector<file> files;
};
/// JSON with the SHA-256 of everything else in it as the last member.
std::string encode(const backup_manifest& manifest);
result<backup_manifest> backup_manifest_from(std::string_view text);

/// See rocks_store::backup_to.
result<void> make_backup(database& from, const row_reader& rows, const std::string& dir);

} // namespace troupe::rocks

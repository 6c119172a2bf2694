#include "persistence/rocks/manifest_check.hpp"

#include "persistence/rocks/crc32c.hpp"
#include "persistence/rocks/files.hpp"
#include "persistence/rocks/status.hpp"
#include "runtime/base/log.hpp"

#include <rocksdb/db.h>

#include <sstream>

namespace troupe::rocks {

namespace {

constexpr std::string_view prefix = "MANIFEST-";

std::string encode(const manifest_witness& seen) {
  return seen.manifest + " " + std::to_string(seen.bytes) + " " + std::to_string(seen.checksum) +
         "\n";
}

// Empty when the text is not a witness.
manifest_witness witness_from(const std::string& text) {
  manifest_witness seen;
  std::istringstream in(text);
  if (!(in >> seen.manifest >> seen.bytes >> seen.checksum))
    return {};
  return seen;
}

std::string first_line(const std::string& text) {
  return text.substr(0, text.find('\n'));
}

} // namespace

result<void> check_manifest(const std::string& database, const std::string& witness_file) {
  const auto text = read_small_file(witness_file);
  const auto current = read_small_file(database + "/CURRENT");
  if (!text || !current)
    return text ? current.error() : text.error();
  if (!current->has_value())
    return corrupt("the file CURRENT of the database is missing");
  if (!text->has_value())
    return {};
  const auto seen = witness_from(**text);
  if (!seen.manifest.starts_with(prefix))
    return corrupt("the file manifest-witness is damaged");
  const auto name = first_line(**current);
  // Numbers have a fixed width: names sort like them. A newer manifest holds all of the older one.
  if (name.size() == seen.manifest.size() && name > seen.manifest)
    return {};
  if (name != seen.manifest)
    return corrupt(name + " is older than " + seen.manifest + ", which was in use");
  const auto content = read_small_file(database + "/" + name);
  if (!content)
    return content.error();
  if (!content->has_value() || (*content)->size() < seen.bytes)
    return corrupt(name + " is shorter than it was");
  if (crc32c(0, std::string_view(**content).substr(0, seen.bytes)) != seen.checksum)
    return corrupt(name + " is damaged");
  return {};
}

void manifest_keeper::keep(rocksdb::DB& db) {
  const std::lock_guard lock(mutex_);
  std::vector<std::string> files;
  manifest_witness now;
  // The size that RocksDB has synced; the file itself may be longer already.
  if (!db.GetLiveFiles(files, &now.bytes, false).ok())
    return;
  for (const auto& file : files)
    if (const auto at = file.find(prefix); at != std::string::npos)
      now.manifest = file.substr(at);
  const auto content = read_small_file(database_ + "/" + now.manifest);
  if (!content || !content->has_value() || (*content)->size() < now.bytes)
    return;
  now.checksum = crc32c(0, std::string_view(**content).substr(0, now.bytes));
  if (now.manifest == kept_.manifest && now.bytes <= kept_.bytes)
    return;
  if (replace_file(witness_file_, encode(now)))
    kept_ = now;
  else
    log::warning("store", "the witness of the manifest could not be written");
}

} // namespace troupe::rocks

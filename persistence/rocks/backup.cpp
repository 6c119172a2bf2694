#include "persistence/rocks/backup.hpp"

#include "persistence/rocks/migrations.hpp"
#include "persistence/rocks/status.hpp"
#include "persistence/store/digest.hpp"
#include "runtime/base/json.hpp"

#include <rocksdb/utilities/checkpoint.h>

#include <algorithm>
#include <cerrno>
#include <fcntl.h>
#include <unistd.h>

namespace troupe {

namespace rocks {

namespace {

constexpr std::size_t copy_bytes = std::size_t{1} << 20;

failure damaged(std::string what) {
  return {failure_kind::invalid, "backup_damaged", std::move(what), "use another backup", {}};
}

// Copies and syncs one file; what is hashed is what was read.
result<backup_manifest::file> copy(const std::string& from, const std::string& to,
                                   const std::string& name) {
  const descriptor in(::open((from + "/" + name).c_str(), O_RDONLY | O_CLOEXEC));
  if (!in)
    return errno == ENOENT ? damaged("the file " + name + " is missing")
                           : file_failure(errno, "reading " + name);
  const descriptor out(
      ::open((to + "/" + name).c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600));
  if (!out)
    return file_failure(errno, "writing " + name);
  backup_manifest::file copied{name, 0, {}};
  sha256_stream hash;
  std::string buffer(copy_bytes, '\0');
  for (ssize_t got = 0; (got = ::read(in.get(), buffer.data(), buffer.size())) != 0;) {
    if (got < 0)
      return file_failure(errno, "reading " + name);
    std::string_view rest(buffer.data(), static_cast<std::size_t>(got));
    hash.add(rest);
    copied.bytes += rest.size();
    while (!rest.empty()) {
      const auto written = ::write(out.get(), rest.data(), rest.size());
      if (written < 0)
        return file_failure(errno, "writing " + name);
      rest.remove_prefix(static_cast<std::size_t>(written));
    }
  }
  if (::fsync(out.get()) != 0)
    return file_failure(errno, "syncing " + name);
  copied.sha256 = to_hex(hash.finish());
  return copied;
}

bool plain_name(std::string_view name) {
  return !name.empty() && name != "." && name != ".." && name.find('/') == std::string_view::npos &&
         name.find('\0') == std::string_view::npos;
}

result<void> require_empty(const std::string& dir) {
  auto names = names_in(dir);
  if (!names)
    return names.error();
  if (!names->empty())
    return failure{failure_kind::conflict,
                   "backup_dir_not_empty",
                   "the folder for the backup is not empty",
                   "choose a new folder",
                   {}};
  // A folder for many backups is made with the first.
  if (const auto slash = dir.find_last_of('/'); slash != std::string::npos && slash > 0)
    if (auto parent = make_dir(dir.substr(0, slash)); !parent)
      return parent;
  return make_dir(dir);
}

result<std::vector<backup_manifest::file>> copy_all(const std::string& from,
                                                    const std::string& to) {
  auto names = names_in(from);
  if (!names)
    return names.error();
  std::vector<backup_manifest::file> files;
  for (const auto& name : *names) {
    auto copied = copy(from, to, name);
    if (!copied)
      return copied.error();
    files.push_back(std::move(*copied));
  }
  if (auto synced = sync_dir(to); !synced)
    return synced.error();
  return files;
}

} // namespace

std::string encode(const backup_manifest& manifest) {
  json::array files;
  for (const auto& file : manifest.files)
    files.push_back(
        json::object{{"name", file.name}, {"bytes", file.bytes}, {"sha256", file.sha256}});
  json::object all{{"format", 1},
                   {"created_by", manifest.created_by},
                   {"schema_version", manifest.schema_version},
                   {"store_id", manifest.store_id},
                   {"files", std::move(files)}};
  all["sha256"] = to_hex(sha256(json::write(all)));
  return json::write_pretty(all);
}

result<backup_manifest> backup_manifest_from(std::string_view text) {
  auto parsed = json::parse(text);
  if (!parsed || !parsed->is_object())
    return damaged("manifest.json is not readable");
  const std::string sum(json::text_or(*parsed, "sha256", ""));
  parsed->as_object().erase("sha256"); // the last member: the order of the others stays
  const json::value& rest = *parsed;
  if (sum != to_hex(sha256(json::write(rest))))
    return damaged("manifest.json does not match its own checksum");
  backup_manifest manifest;
  manifest.created_by = json::text_or(rest, "created_by", "");
  manifest.store_id = json::text_or(rest, "store_id", "");
  const auto* version = json::find(rest, "schema_version");
  const auto* files = json::find(rest, "files");
  if (!version || !version->is_int64() || !files || !files->is_array())
    return damaged("manifest.json lacks its members");
  manifest.schema_version = static_cast<std::uint32_t>(version->as_int64());
  for (const auto& file : files->as_array()) {
    const auto* bytes = json::find(file, "bytes");
    const auto name = json::text_or(file, "name", "");
    if (!plain_name(name) || !bytes || !bytes->is_int64())
      return damaged("manifest.json names a file wrongly");
    manifest.files.push_back({std::string(name), static_cast<std::uint64_t>(bytes->as_int64()),
                              std::string(json::text_or(file, "sha256", ""))});
  }
  return manifest;
}

result<void> make_backup(database& from, const row_reader& rows, const std::string& dir) {
  if (auto empty = require_empty(dir); !empty)
    return empty.error();
  const auto links = from.dir().path() + "/backup-links";
  if (auto removed = remove_dir(links); !removed)
    return removed.error();
  rocksdb::Checkpoint* made = nullptr;
  auto status = rocksdb::Checkpoint::Create(&from.db(), &made);
  const std::unique_ptr<rocksdb::Checkpoint> checkpoint(made);
  if (status.ok())
    status = checkpoint->CreateCheckpoint(links);
  if (!status.ok())
    return to_failure(status);
  backup_manifest manifest;
  manifest.created_by = TROUPE_VERSION;
  const auto version = schema_of(rows);
  const auto id = rows.get(table::system, store_id_key);
  if (!version || !id)
    return version ? id.error() : version.error();
  manifest.schema_version = *version;
  manifest.store_id = id->value_or("");
  auto files = copy_all(links, dir);
  const auto removed = remove_dir(links);
  if (!files)
    return files.error();
  if (!removed)
    return removed.error();
  manifest.files = std::move(*files);
  return replace_file(dir + "/manifest.json", encode(manifest));
}

} // namespace rocks

result<void> restore_backup(const std::string& backup, const std::string& data_dir) {
  using namespace rocks;
  const auto text = read_small_file(backup + "/manifest.json");
  if (!text)
    return text.error();
  if (!text->has_value())
    return damaged("the folder has no manifest.json: it is not a whole backup");
  auto manifest = backup_manifest_from(**text);
  if (!manifest)
    return manifest.error();
  if (manifest->schema_version > newest_schema())
    return failure{failure_kind::conflict,
                   "backup_newer",
                   "the backup has schema version " + std::to_string(manifest->schema_version) +
                       ", this build knows " + std::to_string(newest_schema()),
                   "restore it with the release that made it",
                   {}};
  auto target = rocks::data_dir::take_for_restore(data_dir);
  if (!target)
    return target.error();
  if (auto made = make_dir(target->database()); !made)
    return made.error();
  for (const auto& file : manifest->files) {
    const auto copied = copy(backup, target->database(), file.name);
    if (!copied)
      return copied.error();
    if (copied->bytes != file.bytes || copied->sha256 != file.sha256)
      return damaged("the file " + file.name + " does not match its checksum");
  }
  if (auto synced = sync_dir(target->database()); !synced)
    return synced.error();
  return target->mark_restored();
}

} // namespace troupe

// Changes stored rows under valid checksums, as somebody with write access to the disk could: what
// `troupe log verify` and the start must find.
#include <rocksdb/db.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <memory>
#include <random>
#include <string>
#include <vector>

namespace {

/// The folder below `root` (or `root` itself) that holds the database.
std::string database_folder(const std::string& root) {
  if (std::filesystem::exists(root + "/CURRENT"))
    return root;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(root))
    if (entry.path().filename() == "CURRENT")
      return entry.path().parent_path().string();
  return root;
}

/// Flips one bit inside the first value of `family` that holds `text`; how many were changed.
int change_one(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::string& text) {
  rocksdb::ReadOptions all;
  all.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> at{db.NewIterator(all, family)};
  for (at->SeekToFirst(); at->Valid(); at->Next()) {
    auto value = at->value().ToString();
    const auto found = value.find(text);
    if (found == std::string::npos)
      continue;
    value[found + text.size() / 2] = static_cast<char>(value[found + text.size() / 2] ^ 1);
    return db.Put({}, family, at->key(), value).ok() ? 1 : 0;
  }
  return 0;
}

/// Edits, deletes or swaps rows of `family` that `seed` chooses; how many changes were made.
int change_any(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family, const std::string& what,
               std::uint64_t seed) {
  std::vector<std::pair<std::string, std::string>> rows;
  rocksdb::ReadOptions all;
  all.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> at{db.NewIterator(all, family)};
  for (at->SeekToFirst(); at->Valid(); at->Next())
    if (!at->value().empty())
      rows.emplace_back(at->key().ToString(), at->value().ToString());
  if (rows.size() < 2)
    return 0;
  std::mt19937_64 chance(seed);
  auto& [key, value] = rows[chance() % rows.size()];
  if (what == "delete")
    return db.Delete({}, family, key).ok() ? 1 : 0;
  if (what == "edit") {
    const auto place = chance() % value.size();
    value[place] = static_cast<char>(value[place] ^ (1 << (chance() % 8)));
    return db.Put({}, family, key, value).ok() ? 1 : 0;
  }
  for (int tries = 0; what == "swap" && tries < 100; ++tries) {
    const auto& [other_key, other_value] = rows[chance() % rows.size()];
    if (other_value == value)
      continue;
    return db.Put({}, family, key, other_value).ok() && db.Put({}, family, other_key, value).ok()
               ? 1
               : 0;
  }
  return 0;
}

/// As if the family had been trimmed to its end.
int remove_all(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family) {
  rocksdb::ReadOptions all;
  all.total_order_seek = true;
  const std::unique_ptr<rocksdb::Iterator> at{db.NewIterator(all, family)};
  for (at->SeekToFirst(); at->Valid(); at->Next())
    if (!db.Delete({}, family, at->key()).ok())
      return 0;
  return 1;
}

constexpr auto usage =
    "usage: troupe_tamper DATA_DIR FAMILY TEXT        flips a bit of the first value with TEXT\n"
    "       troupe_tamper DATA_DIR FAMILY WHAT SEED   WHAT: edit, delete or swap random rows\n"
    "       troupe_tamper DATA_DIR FAMILY --empty     removes all rows\n"
    "       troupe_tamper DATA_DIR FAMILY set KEY VALUE\n";

/// What the words after the family ask for.
int change(rocksdb::DB& db, rocksdb::ColumnFamilyHandle* family,
           const std::vector<std::string>& words) {
  switch (words.size()) {
  case 1: return words[0] == "--empty" ? remove_all(db, family) : change_one(db, family, words[0]);
  case 2: return change_any(db, family, words[0], std::strtoull(words[1].c_str(), nullptr, 10));
  default: // flushed, because the version is read from the table files before the log is replayed
    return words[0] == "set" && db.Put({}, family, words[1], words[2]).ok() &&
                   db.Flush({}, family).ok()
               ? 1
               : 0;
  }
}

} // namespace

int main(int count, char** arguments) {
  if (count < 4 || count > 6) {
    std::fputs(usage, stderr);
    return 2;
  }
  const auto folder = database_folder(arguments[1]);
  std::vector<std::string> names;
  rocksdb::Options options;
  if (auto s = rocksdb::DB::ListColumnFamilies(options, folder, &names); !s.ok()) {
    std::fprintf(stderr, "%s\n", s.ToString().c_str());
    return 1;
  }
  std::vector<rocksdb::ColumnFamilyDescriptor> families;
  for (const auto& name : names)
    families.emplace_back(name, rocksdb::ColumnFamilyOptions{});
  std::vector<rocksdb::ColumnFamilyHandle*> handles;
  rocksdb::DB* opened = nullptr;
  if (auto s = rocksdb::DB::Open(options, folder, families, &handles, &opened); !s.ok()) {
    std::fprintf(stderr, "%s\n", s.ToString().c_str());
    return 1;
  }
  const std::unique_ptr<rocksdb::DB> db{opened};
  int changed = 0;
  for (auto* handle : handles) {
    if (handle->GetName() == arguments[2] && changed == 0)
      changed = change(*db, handle, {arguments + 3, arguments + count});
  }
  for (auto* handle : handles)
    db->DestroyColumnFamilyHandle(handle);
  std::printf("changed %d value\n", changed);
  return changed == 1 ? 0 : 1;
}

// Changes one byte of one stored value under valid checksums, as somebody with write access to the
// disk could: what `troupe log verify` must find. Usage: troupe_tamper DATA_DIR FAMILY TEXT
#include <rocksdb/db.h>

#include <cstdio>
#include <filesystem>
#include <memory>
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

} // namespace

int main(int count, char** arguments) {
  if (count != 4) {
    std::fputs("usage: troupe_tamper DATA_DIR FAMILY TEXT\n", stderr);
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
      changed = change_one(*db, handle, arguments[3]);
  }
  for (auto* handle : handles)
    db->DestroyColumnFamilyHandle(handle);
  std::printf("changed %d value\n", changed);
  return changed == 1 ? 0 : 1;
}

// Whose data directory it is, its versions, its space, its backups.
#include "persistence/rocks/migrations.hpp"
#include "tests/persistence/fault_file_system.hpp"
#include "tests/persistence/support.hpp"

#include <atomic>
#include <fstream>
#include <sys/stat.h>
#include <sys/wait.h>
#include <thread>

namespace troupe::test {
namespace {

std::string code_of(const result<std::unique_ptr<rocks_store>>& opened) {
  return opened ? "opened" : opened.error().code;
}

TEST(DataDir, IsMadePrivateAndKeepsItsNumberOfPartitions) {
  const scratch dir;
  {
    auto options = options_for(dir / "data");
    options.partitions = 7;
    const auto store = must_open(options);
    ASSERT_TRUE(store);
    EXPECT_EQ(store->partitions(), 7);
    struct stat about {};
    ASSERT_EQ(::stat((dir / "data").c_str(), &about), 0);
    EXPECT_EQ(about.st_mode & 0777, 0700U);
    ASSERT_TRUE(commit(*store, one_row(7, 1, "x")).has_value());
  }
  const auto store = must_open(options_for(dir / "data"));
  EXPECT_EQ(store->partitions(), 7) << "fixed when the directory was made";
  EXPECT_EQ(store->applied(partition_id{7}), 1U);
}

TEST(DataDir, BelongsToOneProcess) {
  const scratch dir;
  const auto store = must_open(options_for(dir / "data"));
  EXPECT_EQ(code_of(open_rocks_store(options_for(dir / "data"))), "data_dir_in_use");
  const auto child = ::fork();
  if (child == 0)
    ::_exit(code_of(open_rocks_store(options_for(dir / "data"))) == "data_dir_in_use" ? 0 : 1);
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(DataDir, RefusesForeignFoldersAndTouchesNothing) {
  const scratch dir;
  std::filesystem::create_directory(dir / "data");
  std::ofstream(dir / "data/thesis.txt") << "years of work";
  EXPECT_EQ(code_of(open_rocks_store(options_for(dir / "data"))), "data_dir_foreign");
  EXPECT_EQ(std::distance(std::filesystem::directory_iterator(dir / "data"), {}), 1);
  EXPECT_NE(code_of(open_rocks_store(options_for(dir / "no/such/parent"))), "opened");
  std::ofstream(dir / "file") << "x";
  EXPECT_NE(code_of(open_rocks_store(options_for(dir / "file"))), "opened");
}

TEST(DataDir, SaysWhenItCannotBeWritten) {
  const scratch dir;
  std::filesystem::create_directory(dir / "data");
  const auto child = ::fork();
  if (child == 0) {
    // An ordinary user: root may write everywhere.
    ::chmod(dir.path().c_str(), 0755);
    ::chmod((dir / "data").c_str(), 0555);
    if (::setuid(65534) != 0)
      ::_exit(2);
    ::_exit(code_of(open_rocks_store(options_for(dir / "data"))) == "data_dir_not_writable" ? 0
                                                                                            : 1);
  }
  int status = 1;
  ::waitpid(child, &status, 0);
  EXPECT_EQ(status, 0);
}

TEST(DataDir, AFirstStartThatWasInterruptedBeginsAgain) {
  const scratch dir;
  must_open(options_for(dir / "data"));
  std::ofstream(dir / "data/TROUPE") << "troupe data directory 1 creating\n";
  std::filesystem::remove(dir / "data/rocks/CURRENT");
  const auto store = must_open(options_for(dir / "data"));
  ASSERT_TRUE(store);
  EXPECT_TRUE(commit(*store, one_row(1, 1, "x")).has_value());
}

TEST(Migrations, GoDownAndUpAgain) {
  const scratch dir;
  using namespace rocks;
  auto options = options_for(dir / "data");
  {
    const auto store = must_open(options);
    EXPECT_EQ(*schema_of(*store), newest_schema());
    EXPECT_TRUE(store->get(table::system, feature_level_key)->has_value());
    ASSERT_TRUE(commit(*store, one_row(1, 1, "kept")).has_value());
    ASSERT_TRUE(migrate(*store, 1, 4).has_value());
    EXPECT_EQ(*schema_of(*store), 1U);
    EXPECT_FALSE(store->get(table::system, feature_level_key)->has_value());
    EXPECT_TRUE(migrate(*store, 1, 4).has_value()) << "idempotent";
    EXPECT_EQ(migrate(*store, 0, 4).error().code, "migration_irreversible");
    EXPECT_EQ(migrate(*store, newest_schema() + 1, 4).error().code, "schema_unknown");
  }
  options.schema_version = 1;
  const auto id = **must_open(options)->get(table::system, store_id_key);
  options.schema_version.reset();
  const auto store = must_open(options);
  EXPECT_EQ(*schema_of(*store), newest_schema());
  EXPECT_EQ(**store->get(table::system, store_id_key), id) << "the identity is for ever";
  EXPECT_EQ(**store->get(table::documents, document_key(1, 1)), "kept");
}

TEST(Migrations, ANewerDirectoryIsRefusedNamingBothVersions) {
  const scratch dir;
  for (const bool flushed : {false, true}) {
    {
      const auto store = must_open(options_for(dir / std::to_string(flushed)));
      ASSERT_TRUE(store->write_rows({put(table::system, "schema_version", "99")}).has_value());
      if (flushed) {
        ASSERT_TRUE(store->flush(table::system).has_value());
      }
    }
    const auto refused = open_rocks_store(options_for(dir / std::to_string(flushed)));
    ASSERT_EQ(code_of(refused), "data_dir_newer");
    EXPECT_NE(refused.error().message.find("99"), std::string::npos);
    EXPECT_NE(refused.error().message.find(std::to_string(rocks::newest_schema())),
              std::string::npos);
  }
}

/// Bytes of all files below dir. The store deletes files meanwhile: one that has gone counts 0.
std::uint64_t bytes_below(const std::string& dir) {
  std::uint64_t bytes = 0;
  std::error_code gone;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(dir)) {
    const auto size = entry.file_size(gone);
    bytes += gone ? 0 : size;
  }
  return bytes;
}

std::string noise(std::uint64_t seed, std::size_t bytes) {
  prng random(seed);
  std::string text;
  while (text.size() < bytes) {
    const auto word = random.next();
    text.append(reinterpret_cast<const char*>(&word), sizeof word);
  }
  return text;
}

TEST(Space, APurgedRangeGivesItsDiskBack) {
  for (const auto in : {table::outputs, table::blobs}) {
    const scratch dir;
    auto options = options_for(dir / "data");
    options.write_buffers_bytes = 4 << 20;
    const auto store = must_open(options);
    for (std::uint64_t n = 0; n < 200; ++n) {
      auto what = one_row(1, n, "x");
      what.derived.push_back(put(in, document_key(1, n), noise(n, 100'000)));
      ASSERT_TRUE(commit(*store, std::move(what)).has_value());
    }
    ASSERT_TRUE(store->flush(in).has_value());
    const auto full = bytes_below(dir / "data");
    EXPECT_GT(full, 19'000'000U);
    EXPECT_GT(store->usage()->table_bytes[static_cast<std::size_t>(in)], 19'000'000U);
    proposal purge;
    purge.partition = partition_id{1};
    purge.facts.push_back(erase_range(in, document_key(1, 0), document_key(1, 190)));
    ASSERT_TRUE(commit(*store, std::move(purge)).has_value());
    ASSERT_TRUE(store->reclaim(in, document_key(1, 0), document_key(1, 190)).has_value());
    for (std::size_t i = 0; i < table_count; ++i) {
      ASSERT_TRUE(store->flush(static_cast<table>(i)).has_value()); // so that the log may go
    }
    for (int i = 0; i < 200 && bytes_below(dir / "data") > 8'000'000; ++i)
      ::usleep(20'000); // obsolete files go in the background
    EXPECT_LT(bytes_below(dir / "data"), 8'000'000U) << name_of(in);
    EXPECT_FALSE(store->get(in, document_key(1, 5))->has_value());
    for (std::uint64_t n = 190; n < 200; ++n)
      EXPECT_EQ(**store->get(in, document_key(1, n)), noise(n, 100'000));
  }
}

/// All rows of all tables as one digest.
audit_hash digest_of(const rocks_store& store) {
  sha256_stream hash;
  for (std::size_t i = 0; i < table_count; ++i)
    EXPECT_TRUE(store
                    .scan(static_cast<table>(i), "", "",
                          [&](std::string_view key, std::string_view value) {
                            hash.add(std::to_string(i) + ":" + std::string(key) + "=");
                            hash.add(value);
                            return true;
                          })
                    .has_value());
  return hash.finish();
}

TEST(Backup, UnderLoadIsAPrefixOfTheLogAndRestoresEqual) {
  const scratch dir;
  auto options = options_for(dir / "data");
  options.write_buffers_bytes = 1 << 20;
  auto store = must_open(options);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> acknowledged{0};
  std::thread load([&] {
    for (std::uint64_t n = 0; !stop; ++n) {
      auto what = one_row(1, n, noise(n, 500));
      what.derived.push_back(put(table::outputs, document_key(1, n), noise(n + 1, 500)));
      ASSERT_TRUE(commit(*store, std::move(what)).has_value());
      acknowledged = n + 1;
    }
  });
  while (acknowledged < 500)
    std::this_thread::yield();
  const auto before = acknowledged.load();
  const auto made = store->backup_to(dir / "backup");
  const auto after = acknowledged.load() + 1;
  stop = true;
  load.join();
  ASSERT_TRUE(made.has_value()) << made.error().message;
  EXPECT_EQ(store->backup_to(dir / "backup").error().code, "backup_dir_not_empty");
  ASSERT_TRUE(restore_backup(dir / "backup", dir / "restored").has_value());
  EXPECT_EQ(restore_backup(dir / "backup", dir / "restored").error().code, "data_dir_not_empty");
  const auto restored = must_open(options_for(dir / "restored"));
  ASSERT_TRUE(restored);
  std::uint64_t rows = 0;
  while (restored->get(table::documents, document_key(1, rows))->has_value()) {
    EXPECT_EQ(**restored->get(table::documents, document_key(1, rows)), noise(rows, 500));
    EXPECT_EQ(**restored->get(table::outputs, document_key(1, rows)), noise(rows + 1, 500));
    ++rows;
  }
  EXPECT_GE(rows, before);
  EXPECT_LE(rows, after);
  EXPECT_EQ(restored->applied(partition_id{1}), rows);
  EXPECT_EQ(**restored->get(table::system, "store_id"), **store->get(table::system, "store_id"));
  EXPECT_TRUE(restored->verify_files().has_value());
  // At rest the copy is equal to the last byte.
  ASSERT_TRUE(store->backup_to(dir / "still").has_value());
  ASSERT_TRUE(restore_backup(dir / "still", dir / "equal").has_value());
  EXPECT_EQ(digest_of(*must_open(options_for(dir / "equal"))), digest_of(*store));
}

TEST(Backup, DamageIsFoundBeforeItIsRestored) {
  const scratch dir;
  auto store = must_open(options_for(dir / "data"));
  ASSERT_TRUE(commit(*store, one_row(1, 1, noise(1, 5000))).has_value());
  ASSERT_TRUE(store->backup_to(dir / "backup").has_value());
  prng random(seed());
  int target = 0;
  for (const auto& entry : std::filesystem::directory_iterator(dir / "backup")) {
    const auto name = entry.path().string();
    const auto size = std::filesystem::file_size(name);
    if (size == 0)
      continue;
    std::filesystem::copy_file(name, dir / "whole");
    std::fstream file(name, std::ios::in | std::ios::out | std::ios::binary);
    const auto at = static_cast<std::streamoff>(random.below(size));
    file.seekg(at);
    const auto byte = static_cast<char>(file.get());
    file.seekp(at);
    file.put(static_cast<char>(byte ^ 0x10));
    file.close();
    const auto refused = restore_backup(dir / "backup", dir / std::to_string(++target));
    EXPECT_FALSE(refused.has_value()) << entry.path().filename() << " at " << at;
    // What an interrupted restore leaves is never opened as a data directory.
    const auto opened = open_rocks_store(options_for(dir / std::to_string(target)));
    if (std::filesystem::exists(dir / (std::to_string(target) + "/TROUPE")) && !opened) {
      EXPECT_EQ(opened.error().code, "data_dir_incomplete");
    }
    std::filesystem::rename(dir / "whole", name);
  }
  EXPECT_TRUE(restore_backup(dir / "backup", dir / "good").has_value());
  std::filesystem::remove(dir / "backup/manifest.json");
  EXPECT_EQ(restore_backup(dir / "backup", dir / "none").error().code, "backup_damaged");
}

} // namespace
} // namespace troupe::test

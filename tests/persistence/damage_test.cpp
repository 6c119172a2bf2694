// Bit flips, truncations and missing files on a copy of a data directory: never a wrong answer.
#include "tests/persistence/support.hpp"

#include "runtime/base/prng.hpp"

#include <algorithm>
#include <fstream>
#include <map>

namespace troupe::test {
namespace {

namespace fs = std::filesystem;

constexpr std::uint64_t rows = 400;
std::string value_of(std::uint64_t n) {
  return std::to_string(n) + std::string(n % 300, 'v');
}

/// A store with tables, blobs and a log that holds the last third.
void fill(const std::string& data) {
  const auto store = must_open(options_for(data));
  for (std::uint64_t n = 0; n < rows; ++n) {
    auto what = one_row(1, n, value_of(n));
    if (n % 50 == 0)
      what.facts.push_back(put(table::blobs, document_key(1, n), std::string(40'000, 'b')));
    ASSERT_TRUE(commit(*store, std::move(what)).has_value());
    if (n == rows / 3 || n == 2 * rows / 3) {
      for (std::size_t i = 0; i < table_count; ++i) {
        ASSERT_TRUE(store->flush(static_cast<table>(i)).has_value());
      }
    }
  }
}

enum class outcome { refused, unreadable, whole, prefix };

/// Opens and reads everything. A wrong value, a gap or a half entry fails the test.
outcome judge(const std::string& data, const std::string& what, std::uint64_t& present) {
  present = 0;
  auto opened = open_rocks_store(options_for(data));
  if (!opened) {
    EXPECT_TRUE(opened.error().code == "store_corrupt" || opened.error().code == "data_dir_newer" ||
                opened.error().code == "data_dir_foreign")
        << what << ": " << opened.error().code << " " << opened.error().message;
    if (opened.error().code == "store_corrupt") {
      EXPECT_NE(opened.error().hint.find("troupe restore"), std::string::npos);
    }
    return outcome::refused;
  }
  bool unreadable = false;
  const auto note = [&](const failure& why) {
    unreadable = true;
    EXPECT_EQ(why.code, "store_corrupt") << what << ": " << why.message;
  };
  const auto all =
      (*opened)->scan(table::documents, "", "", [&](std::string_view key, std::string_view value) {
        EXPECT_EQ(key, document_key(1, present)) << what;
        EXPECT_EQ(value, value_of(present)) << what;
        ++present;
        return !testing::Test::HasFailure();
      });
  if (!all)
    note(all.error());
  for (std::uint64_t n = 0; n < rows; n += 50) {
    const auto blob = (*opened)->get(table::blobs, document_key(1, n));
    if (!blob) {
      note(blob.error());
    } else if (all) {
      EXPECT_TRUE(blob->value_or("") == (n < present ? std::string(40'000, 'b') : "")) << what;
    }
  }
  if (unreadable)
    return outcome::unreadable;
  EXPECT_EQ((*opened)->applied(partition_id{1}), present) << what << ": an entry is torn in two";
  return present == rows ? outcome::whole : outcome::prefix;
}

void flip(const std::string& path, std::uint64_t at, unsigned bit) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekg(static_cast<std::streamoff>(at));
  const auto byte = file.get();
  file.seekp(static_cast<std::streamoff>(at));
  file.put(static_cast<char>(byte ^ (1 << bit)));
}

std::vector<std::string> files_of(const std::string& data) {
  std::vector<std::string> names;
  for (const auto& entry : fs::directory_iterator(data + "/rocks")) {
    const auto name = entry.path().filename().string();
    // Not read back by anybody: RocksDB's diary, its lock, and the options it would have written.
    if (!name.starts_with("LOG") && name != "LOCK" && !name.starts_with("OPTIONS") &&
        name != "IDENTITY")
      names.push_back(name);
  }
  std::sort(names.begin(), names.end());
  return names;
}

TEST(Damage, FlipsAndTruncationsNeverGiveAWrongAnswer) {
  const scratch dir;
  fill(dir / "data");
  const auto names = files_of(dir / "data");
  prng random(seed());
  const int rounds = rounds_of(60, 1000);
  std::map<outcome, int> seen;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    fs::remove_all(dir / "copy");
    fs::copy(dir / "data", dir / "copy", fs::copy_options::recursive);
    const auto& name = names[static_cast<std::size_t>(round) % names.size()];
    const auto path = dir / ("copy/rocks/" + name);
    const auto size = fs::file_size(path);
    if (size == 0)
      continue;
    const auto at = random.below(size);
    const bool cut = random.below(4) == 0;
    if (cut)
      fs::resize_file(path, at);
    else
      flip(path, at, static_cast<unsigned>(random.below(8)));
    std::uint64_t present = 0;
    const auto what = name + (cut ? " cut at " : " flipped at ") + std::to_string(at) + " of " +
                      std::to_string(size);
    const auto found = judge(dir / "copy", what, present);
    ++seen[found];
    // Only the end of the log may go: the last write looks like one that was in flight.
    if (found == outcome::prefix) {
      EXPECT_TRUE(name.ends_with(".log")) << what << ": " << present << " rows left, silently";
      EXPECT_TRUE(cut || present >= rows - 1) << what << ": " << present << " rows left, silently";
    }
  }
  std::printf("%d damages: %d refused, %d unreadable, %d harmless, %d cut at the tail\n", rounds,
              seen[outcome::refused], seen[outcome::unreadable], seen[outcome::whole],
              seen[outcome::prefix]);
  EXPECT_GT(seen[outcome::refused] + seen[outcome::unreadable], rounds / 4);
}

TEST(Damage, EveryMissingFileIsNoticed) {
  const scratch dir;
  fill(dir / "data");
  for (const auto& name : files_of(dir / "data")) {
    fs::remove_all(dir / "copy");
    fs::copy(dir / "data", dir / "copy", fs::copy_options::recursive);
    fs::remove(dir / ("copy/rocks/" + name));
    std::uint64_t present = 0;
    const auto found = judge(dir / "copy", name + " removed", present);
    EXPECT_TRUE(found == outcome::refused || found == outcome::unreadable) << name << " removed";
  }
}

TEST(Damage, ATornTailIsCutAndCounted) {
  const scratch dir;
  fill(dir / "data");
  std::string log;
  for (const auto& name : files_of(dir / "data"))
    if (name.ends_with(".log"))
      log = name;
  const auto size = fs::file_size(dir / ("data/rocks/" + log));
  fs::resize_file(dir / ("data/rocks/" + log), size - 5);
  const auto store = must_open(options_for(dir / "data"));
  ASSERT_TRUE(store);
  EXPECT_GT(store->recovered().torn_bytes_cut, 0U);
  EXPECT_EQ(store->applied(partition_id{1}), rows - 1);
  EXPECT_FALSE(store->get(table::documents, document_key(1, rows - 1))->has_value());
  EXPECT_TRUE(commit(*store, one_row(1, rows - 1, value_of(rows - 1))).has_value());
}

TEST(Damage, InTheMiddleOfTheLogRefusesToStartAndChangesNothing) {
  const scratch dir;
  fill(dir / "data");
  std::string log;
  for (const auto& name : files_of(dir / "data"))
    if (name.ends_with(".log"))
      log = dir / ("data/rocks/" + name);
  const auto size = fs::file_size(log);
  ASSERT_GT(size, 20'000U);
  flip(log, size / 2, 3);
  for (int again = 0; again < 2; ++again) {
    const auto refused = open_rocks_store(options_for(dir / "data"));
    ASSERT_FALSE(refused.has_value());
    EXPECT_EQ(refused.error().code, "store_corrupt");
    EXPECT_NE(refused.error().message.find("damaged at byte"), std::string::npos);
    EXPECT_EQ(fs::file_size(log), size);
  }
}

} // namespace
} // namespace troupe::test

// Killed processes, power cuts and failing disks: what was acknowledged is there afterwards.
#include "tests/persistence/fault_file_system.hpp"
#include "tests/persistence/support.hpp"

#include <atomic>
#include <csignal>
#include <fcntl.h>
#include <fstream>
#include <sys/mman.h>
#include <sys/wait.h>
#include <thread>

namespace troupe::test {
namespace {

/// A number that a child process counts, readable after its death.
class shared_count {
public:
  explicit shared_count(const std::string& path) {
    const int file = ::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0600);
    check(file >= 0 && ::ftruncate(file, sizeof(*at_)) == 0, "the count's file cannot be made");
    at_ = static_cast<std::atomic<std::uint64_t>*>(
        ::mmap(nullptr, sizeof(*at_), PROT_READ | PROT_WRITE, MAP_SHARED, file, 0));
    ::close(file);
  }
  shared_count(const shared_count&) = delete;
  ~shared_count() { ::munmap(at_, sizeof(*at_)); }
  std::atomic<std::uint64_t>& operator*() { return *at_; }

private:
  std::atomic<std::uint64_t>* at_ = nullptr;
};

/// Runs CrashChild.DISABLED_Writes in a process of its own: a fork of this one, which has had
/// threads, could hang on a lock that one of them held. `fail_sync`: the sync that fails, `die_at`:
/// the deletion of a log file that kills it; 0: none.
pid_t start_writer(const scratch& dir, int fail_sync, int die_at = 0) {
  const auto child = ::fork();
  if (child != 0)
    return child;
  ::setenv("TROUPE_CHILD_DIR", dir.path().c_str(), 1);
  ::setenv("TROUPE_CHILD_FAIL_SYNC", std::to_string(fail_sync).c_str(), 1);
  ::setenv("TROUPE_CHILD_DIE_AT", std::to_string(die_at).c_str(), 1);
  ::close(STDOUT_FILENO);
  ::open("/dev/null", O_WRONLY);
  ::execl("/proc/self/exe", "child", "--gtest_also_run_disabled_tests",
          "--gtest_filter=CrashChild.DISABLED_Writes", nullptr);
  ::_exit(127);
}

std::string value_of(std::uint64_t n) {
  return std::to_string(n) + std::string(n % 900, 'v');
}

// Rows `from`, `from`+1, … in partition 1, a few in flight; each acknowledgement is counted.
void write_rows_until(rocks_store& store, std::uint64_t from, std::uint64_t to,
                      std::atomic<std::uint64_t>& acknowledged) {
  std::atomic<std::uint64_t> in_flight{0};
  for (auto n = from; n < to; ++n) {
    while (in_flight.load() >= 8)
      std::this_thread::yield();
    ++in_flight;
    store.propose(one_row(1, n, value_of(n)), [&, n](const result<std::uint64_t>& index) {
      if (index)
        acknowledged.store(n + 1);
      --in_flight;
    });
  }
  while (in_flight.load() > 0)
    std::this_thread::yield();
}

/// Rows 0…n-1 without a gap and with the right values, n at least `acknowledged`; returns n.
std::uint64_t expect_prefix(const rocks_store& store, std::uint64_t acknowledged) {
  std::uint64_t n = 0;
  const auto prefix = key_builder(partition_id{1}).take();
  const auto done = store.scan(table::documents, prefix, prefix_end(prefix),
                               [&](std::string_view key, std::string_view value) {
                                 EXPECT_EQ(key, document_key(1, n));
                                 EXPECT_EQ(value, value_of(n));
                                 ++n;
                                 return !testing::Test::HasFailure();
                               });
  EXPECT_TRUE(done.has_value());
  EXPECT_GE(n, acknowledged);
  return n;
}

/// What start_writer runs: rows behind the acknowledged ones may be there, they are written alike.
TEST(CrashChild, DISABLED_Writes) {
  const auto* dir = std::getenv("TROUPE_CHILD_DIR");
  const auto* fail_sync = std::getenv("TROUPE_CHILD_FAIL_SYNC");
  ASSERT_TRUE(dir && fail_sync) << "only other tests run this";
  shared_count acknowledged(std::string(dir) + "/count");
  auto options = options_for(std::string(dir) + "/data");
  options.write_buffers_bytes = 1 << 20; // so that flushes are among what is killed
  auto system = std::make_shared<fault_file_system>();
  options.file_system = system;
  if (const auto* die_at = std::getenv("TROUPE_CHILD_DIE_AT"))
    system->switches().die_at_log_deletion = std::atoi(die_at);
  const auto store = must_open(options);
  ASSERT_TRUE(store);
  if (const int number = std::atoi(fail_sync); number > 0)
    system->switches().fail_sync_at = system->switches().syncs + number;
  write_rows_until(*store, *acknowledged, UINT64_MAX, *acknowledged);
}

TEST(Crash, KillLosesNothingAcknowledged) {
  const scratch dir;
  const int rounds = rounds_of(8, 200);
  prng random(seed());
  shared_count acknowledged(dir / "count");
  for (int round = 0; round < rounds; ++round) {
    const auto from = (*acknowledged).load();
    const auto child = start_writer(dir, 0);
    const auto started = std::chrono::steady_clock::now();
    while ((*acknowledged).load() == from &&
           std::chrono::steady_clock::now() - started < std::chrono::seconds(20))
      ::usleep(1000);
    ::usleep(static_cast<useconds_t>(random.below(60'000)));
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself, status " << status;
    const auto store = must_open(options_for(dir / "data"));
    ASSERT_TRUE(store);
    expect_prefix(*store, (*acknowledged).load());
    EXPECT_EQ((*acknowledged).load() > from, true);
    if (HasFailure())
      break;
  }
}

/// RocksDB deletes the newest first: what is left has a gap, which must not look like damage.
TEST(Crash, KilledWhileLogFilesAreDeletedItOpensAgain) {
  const int rounds = rounds_of(6, 60);
  for (int round = 1; round <= rounds; ++round) {
    const scratch dir;
    shared_count acknowledged(dir / "count");
    const auto child = start_writer(dir, 0, 3 * round);
    int status = 0;
    ::waitpid(child, &status, 0);
    ASSERT_TRUE(WIFSIGNALED(status)) << "the child ended by itself, status " << status;
    const auto store = must_open(options_for(dir / "data"));
    ASSERT_TRUE(store) << "killed at deletion " << 3 * round;
    expect_prefix(*store, (*acknowledged).load());
  }
}

/// Writes, cuts the power, opens again. Returns whether an acknowledged row was lost.
bool one_power_cut(const std::string& data, prng& random, bool ignore_syncs, std::uint64_t& cut) {
  auto system = std::make_shared<fault_file_system>();
  auto options = options_for(data);
  options.write_buffers_bytes = std::size_t{1} << (14 + random.below(8));
  options.file_system = system;
  std::atomic<std::uint64_t> acknowledged{0};
  {
    auto store = must_open(options);
    if (!store)
      return true;
    // Set up while syncs count, so that the control run loses rows and not the whole directory.
    system->switches().ignore_syncs = ignore_syncs;
    write_rows_until(*store, 0, 50 + random.below(400), acknowledged);
    // A write in flight: appended, not synced. It reaches the file, and its answer is a failure.
    system->switches().disk_full = random.below(2) == 0;
    if (system->switches().disk_full) {
      EXPECT_FALSE(commit(*store, one_row(1, acknowledged.load(), value_of(acknowledged.load())))
                       .has_value());
    }
  }
  system->cut_power(random, true);
  options.file_system = nullptr;
  auto store = open_rocks_store(options);
  if (!store) {
    EXPECT_TRUE(ignore_syncs) << store.error().message;
    return true;
  }
  cut += (*store)->recovered().torn_bytes_cut > 0;
  std::uint64_t rows = 0;
  const auto prefix = key_builder(partition_id{1}).take();
  const auto done = (*store)->scan(table::documents, prefix, prefix_end(prefix),
                                   [&](std::string_view key, std::string_view value) {
                                     EXPECT_EQ(key, document_key(1, rows));
                                     EXPECT_EQ(value, value_of(rows));
                                     ++rows;
                                     return true;
                                   });
  EXPECT_TRUE(done.has_value());
  const auto lost = rows < acknowledged.load();
  EXPECT_TRUE(commit(**store, one_row(1, rows, value_of(rows))).has_value());
  return lost;
}

TEST(Crash, PowerCutsLoseNothingAcknowledgedAndTheControlRunLoses) {
  prng random(seed());
  const int rounds = rounds_of(30, 1000);
  std::uint64_t cut = 0;
  for (int round = 0; round < rounds && !HasFailure(); ++round) {
    const scratch dir;
    EXPECT_FALSE(one_power_cut(dir / "data", random, false, cut)) << "round " << round;
  }
  if (HasFailure())
    return;
  EXPECT_GT(cut, 0U) << "no torn tail was ever left: the test does not bite";
  int lost = 0;
  for (int round = 0; round < 5; ++round) {
    const scratch dir;
    lost += one_power_cut(dir / "data", random, true, cut);
  }
  EXPECT_GT(lost, 0) << "with syncs ignored something must be lost";
  std::printf("%d power cuts, 0 lost, %llu torn tails; control run: %d of 5 lost\n", rounds,
              static_cast<unsigned long long>(cut), lost);
}

TEST(Crash, AFailedSyncEndsTheProcessWithin1sAndLosesNothing) {
  const int rounds = long_run() ? 200 : 12;
  for (int round = 1; round <= rounds; ++round) {
    const scratch dir;
    must_open(options_for(dir / "data"));
    shared_count acknowledged(dir / "count");
    const auto child = start_writer(dir, long_run() ? round : 1 + round * 7);
    int status = 0;
    const auto started = std::chrono::steady_clock::now();
    pid_t ended = 0;
    while (ended == 0 && std::chrono::steady_clock::now() - started < std::chrono::seconds(20)) {
      ended = ::waitpid(child, &status, WNOHANG);
      if (ended == 0)
        ::usleep(2000);
    }
    if (ended == 0)
      ::kill(child, SIGKILL);
    ASSERT_EQ(ended, child) << "the process went on after a failed sync";
    ASSERT_TRUE(WIFEXITED(status));
    ASSERT_EQ(WEXITSTATUS(status), 74);
    const auto store = must_open(options_for(dir / "data"));
    ASSERT_TRUE(store);
    expect_prefix(*store, (*acknowledged).load());
  }
}

/// A proposal that deletes a range may pass while the disk is nearly full.
TEST(FullDisk, WritesAreRefusedReadsGoOnAndItRecoversByItself) {
  const scratch dir;
  auto options = options_for(dir / "data");
  auto system = std::make_shared<fault_file_system>();
  options.file_system = system;
  std::atomic<std::uint64_t> acknowledged{0};
  {
    const auto store = must_open(options);
    ASSERT_TRUE(store);
    for (int round = 0; round < 3; ++round) {
      write_rows_until(*store, acknowledged, acknowledged + 100, acknowledged);
      system->switches().disk_full = true;
      const auto started = std::chrono::steady_clock::now();
      const auto refused = commit(*store, one_row(1, acknowledged, value_of(acknowledged)));
      ASSERT_FALSE(refused.has_value());
      EXPECT_EQ(refused.error().code, "storage_full");
      EXPECT_EQ(refused.error().kind, failure_kind::storage_full);
      EXPECT_LT(std::chrono::steady_clock::now() - started, std::chrono::seconds(1));
      EXPECT_FALSE(store->stats().accepts_writes);
      expect_prefix(*store, acknowledged);
      system->switches().disk_full = false;
      const auto returned = std::chrono::steady_clock::now();
      while (!commit(*store, one_row(1, acknowledged, value_of(acknowledged))).has_value()) {
        ASSERT_LT(std::chrono::steady_clock::now() - returned, std::chrono::seconds(10));
        ::usleep(20'000);
      }
      ++acknowledged;
      EXPECT_TRUE(store->stats().accepts_writes);
    }
    expect_prefix(*store, acknowledged);
  }
  options.file_system = nullptr;
  const auto store = must_open(options);
  ASSERT_TRUE(store);
  EXPECT_EQ(expect_prefix(*store, acknowledged), acknowledged.load());
}

TEST(FullDisk, ARealFullFileSystemNeitherCrashesNorLoses) {
  const scratch dir;
  const auto mount_at = dir / "small";
  std::filesystem::create_directory(mount_at);
  if (std::system(("mount -t tmpfs -o size=24m tmpfs " + mount_at + " 2>/dev/null").c_str()) != 0)
    GTEST_SKIP() << "mounting a tmpfs is not permitted here";
  std::atomic<std::uint64_t> acknowledged{0};
  {
    auto options = options_for(mount_at + "/data");
    options.write_buffers_bytes = 4 << 20;
    options.disk_reserve_bytes = 4096; // so low that the disk itself refuses
    const auto store = must_open(options);
    ASSERT_TRUE(store);
    // A hog takes nearly everything; then the log hits the end.
    std::system(("head -c 18m /dev/zero > " + mount_at + "/hog 2>/dev/null").c_str());
    bool full = false;
    for (std::uint64_t n = 0; n < 400 && !full; ++n) {
      auto what = one_row(1, n, value_of(n));
      what.derived.push_back(put(table::outputs, document_key(1, n), std::string(60'000, 'o')));
      const auto index = commit(*store, std::move(what));
      if (index)
        acknowledged = n + 1;
      else
        EXPECT_EQ(index.error().code, "storage_full");
      full = !index.has_value();
    }
    EXPECT_TRUE(full) << "the disk never became full";
    expect_prefix(*store, acknowledged);
    std::filesystem::remove(mount_at + "/hog");
    const auto returned = std::chrono::steady_clock::now();
    while (!commit(*store, one_row(1, acknowledged, value_of(acknowledged))).has_value()) {
      ASSERT_LT(std::chrono::steady_clock::now() - returned, std::chrono::seconds(10));
      ::usleep(50'000);
    }
    ++acknowledged;
  }
  {
    const auto store = must_open(options_for(mount_at + "/data"));
    EXPECT_TRUE(store && expect_prefix(*store, acknowledged) == acknowledged);
  }
  std::system(("umount " + mount_at).c_str());
}

TEST(FullDisk, NearlyFullStillTakesWhatFreesSpace) {
  const scratch dir;
  auto options = options_for(dir / "data");
  options.disk_reserve_bytes = UINT64_MAX / 2; // no disk has that much: always nearly full
  {
    const auto store = open_rocks_store(options);
    ASSERT_FALSE(store.has_value()) << "a new directory needs space";
    EXPECT_EQ(store.error().code, "storage_full");
  }
  must_open(options_for(dir / "data"));
  const auto store = must_open(options);
  ASSERT_TRUE(store);
  EXPECT_EQ(commit(*store, one_row(1, 1, "x")).error().code, "storage_full");
  proposal purge;
  purge.partition = partition_id{1};
  purge.facts.push_back(erase_range(table::documents, document_key(1, 0), document_key(1, 9)));
  EXPECT_TRUE(commit(*store, std::move(purge)).has_value());
}

} // namespace
} // namespace troupe::test

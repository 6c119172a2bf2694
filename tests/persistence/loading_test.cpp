// What a process was loading when it ended, as the next one finds it.
#include "persistence/rocks/loading_file.hpp"
#include "tests/persistence/support.hpp"

#include <fstream>
#include <sstream>
#include <sys/wait.h>
#include <thread>

namespace troupe::test {
namespace {

run_id run_number(std::uint64_t n) {
  return make_run_id(from_millis(1'700'000'000'000), partition_id{1}, n);
}

std::string text_of(const std::string& path) {
  std::ostringstream text;
  text << std::ifstream(path, std::ios::binary).rdbuf();
  return text.str();
}

std::unique_ptr<loading_marks> must_mark(const scratch& dir, std::string_view version = "1") {
  auto opened = open_loading_file(dir.path(), version);
  if (!opened) {
    ADD_FAILURE() << opened.error().message;
    return nullptr;
  }
  return std::move(*opened);
}

/// A process that is killed while it loads all of these.
void die_loading(const scratch& dir, const std::vector<run_id>& runs,
                 loading_work work = loading_work::resume) {
  const auto child = ::fork();
  if (child == 0) {
    const auto marks = must_mark(dir);
    std::vector<std::thread> threads;
    std::atomic<std::size_t> loading{0};
    for (const auto& run : runs)
      threads.emplace_back([&] {
        const auto mark = marks->begin(run, work);
        ++loading;
        ::pause();
      });
    while (loading < runs.size())
      std::this_thread::yield();
    ::kill(::getpid(), SIGKILL);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  EXPECT_TRUE(WIFSIGNALED(status));
}

/// The times a run is known to have died, of whatever work.
std::uint32_t deaths_of(const loading_marks& marks, const run_id& run) {
  std::uint32_t times = 0;
  for (const auto& each : marks.found())
    times += each.run == run ? each.times : 0;
  return times;
}

} // namespace

TEST(LoadingFile, OutlivesTheProcessAndGivesUpAfterThreeDeaths) {
  const scratch dir;
  const auto poison = run_number(1), other = run_number(2);
  for (std::uint32_t deaths = 1; deaths <= 3; ++deaths) {
    die_loading(dir, {poison});
    const auto marks = must_mark(dir);
    EXPECT_EQ(deaths_of(*marks, poison), deaths);
    EXPECT_EQ(marks->given_up(poison), deaths == 3);
  }
  for (int start = 0; start < 3; ++start) { // starts alone change nothing
    const auto marks = must_mark(dir);
    EXPECT_FALSE(marks->begin(poison, loading_work::resume));
    EXPECT_FALSE(marks->begin(poison, loading_work::read));
    EXPECT_TRUE(marks->begin(other, loading_work::resume));
  }
}

TEST(LoadingFile, OneDeathCountsOnceForEachThatWasBeingLoaded) {
  const scratch dir;
  die_loading(dir, {run_number(1), run_number(2), run_number(1)});
  const auto marks = must_mark(dir);
  EXPECT_EQ(marks->found().size(), 2u);
  EXPECT_EQ(deaths_of(*marks, run_number(1)), 1u);
  EXPECT_EQ(deaths_of(*marks, run_number(2)), 1u);
}

TEST(LoadingFile, ASuccessForgetsDeathsOfThatWorkOnly) {
  const scratch dir;
  const auto run = run_number(1);
  die_loading(dir, {run});
  die_loading(dir, {run});
  {
    const auto marks = must_mark(dir);
    marks->begin(run, loading_work::read).reset();
  }
  EXPECT_EQ(deaths_of(*must_mark(dir), run), 2u);
  {
    const auto marks = must_mark(dir);
    marks->begin(run, loading_work::resume).reset();
  }
  EXPECT_EQ(deaths_of(*must_mark(dir), run), 0u);
  EXPECT_EQ(text_of(dir / "loading"), loading_page_after({}, "1"));
}

TEST(LoadingFile, AnotherVersionOrNoFileTriesAgain) {
  const scratch dir;
  const auto run = run_number(1);
  for (int i = 0; i < 3; ++i)
    die_loading(dir, {run});
  const auto condemned = text_of(dir / "loading");
  EXPECT_FALSE(must_mark(dir, "2")->given_up(run));
  EXPECT_FALSE(must_mark(dir, "1")->given_up(run));
  std::ofstream(dir / "loading", std::ios::binary) << condemned;
  EXPECT_TRUE(must_mark(dir)->given_up(run));
  std::filesystem::remove(dir / "loading");
  EXPECT_FALSE(must_mark(dir)->given_up(run));
}

TEST(LoadingFile, WhatIsNoPageIsMadeAnew) {
  const auto fresh = loading_page_after({}, "1");
  ASSERT_EQ(fresh.size(), loading_page_bytes);
  auto counted = fresh;
  const auto line = "loading resume " + to_text(run_number(1));
  counted.replace(64, line.size(), line);
  auto other_format = counted;
  other_format.replace(0, 16, "troupe loading 2");
  auto binary = counted;
  for (auto& c : binary)
    c = static_cast<char>(c ^ 0x5a);
  struct {
    const char* what;
    std::string found;
    bool counts;
  } const rows[] = {
      {"a page", counted, true},
      {"nothing", "", false},
      {"zeros", std::string(loading_page_bytes, '\0'), false},
      {"a short page", counted.substr(0, loading_page_bytes - 1), false},
      {"a long page", counted + "\n", false},
      {"another format", other_format, false},
      {"another file", std::string(loading_page_bytes * 3, 'x'), false},
      {"other bytes", binary, false},
  };
  for (const auto& row : rows) {
    const scratch dir;
    std::ofstream(dir / "loading", std::ios::binary) << row.found;
    const auto marks = must_mark(dir);
    EXPECT_EQ(deaths_of(*marks, run_number(1)), row.counts ? 1u : 0u) << row.what;
    EXPECT_EQ(text_of(dir / "loading").size(), loading_page_bytes) << row.what;
  }
}

TEST(LoadingFile, LinesThatCannotBeReadCountForNothing) {
  const auto id = to_text(run_number(1));
  const struct {
    std::string line;
    std::uint32_t deaths;
  } rows[] = {
      {"loading resume " + id, 1},
      {"loading resume " + id.substr(0, 20), 0},
      {"loading", 0},
      {"loading dance " + id, 0},
      {"loading resume " + id + " twice", 0},
      {"died 2 list " + id, 2},
      {"died 0 list " + id, 0},
      {"died -1 list " + id, 0},
      {"died many list " + id, 0},
      {"died 99999999999999999999 list " + id, 0},
      {"died 77 list " + id, 3},
      {std::string(63, '\xff'), 0},
  };
  for (const auto& row : rows) {
    auto page = loading_page_after({}, "1");
    page.replace(64, row.line.size(), row.line);
    const loading_marks marks(loading_page_after(page, "1"), [](auto, auto) {});
    EXPECT_EQ(deaths_of(marks, run_number(1)), row.deaths) << row.line;
  }
}

TEST(LoadingFile, TheOnesThatDiedMostAreKeptWhenThereAreTooMany) {
  std::string page = loading_page_after({}, "1");
  for (int deaths = 0; deaths < 40; ++deaths) {
    // Run 0 dies every time, another one beside it each time.
    for (const std::uint64_t n : {std::uint64_t{0}, std::uint64_t(deaths) + 1}) {
      const auto line = "loading resume " + to_text(run_number(n));
      page.replace(64 * (n == 0 ? 1 : 2), line.size(), line);
    }
    page = loading_page_after(page, "1");
    ASSERT_EQ(page.size(), loading_page_bytes);
  }
  // Those that died once long ago keep no place from a new one.
  for (int deaths = 0; deaths < 3; ++deaths) {
    const auto line = "loading read " + to_text(run_number(1'000));
    page = loading_page_after(page.replace(64, line.size(), line), "1");
  }
  const loading_marks marks(page, [](auto, auto) {});
  EXPECT_EQ(marks.found().size(), 32u);
  EXPECT_TRUE(marks.given_up(run_number(0)));
  EXPECT_TRUE(marks.given_up(run_number(1'000)));
}

TEST(LoadingFile, ASuspectIsLoadedWhileNoOtherIs) {
  auto page = loading_page_after({}, "1");
  for (const std::uint64_t n : {1u, 2u}) { // both were being loaded when one of them struck
    const auto line = "loading resume " + to_text(run_number(n));
    page.replace(64 * n, line.size(), line);
  }
  page = loading_page_after(page, "1");
  std::mutex mutex;
  std::size_t most_beside_a_suspect = 0;
  loading_marks marks(page, [&](std::size_t at, std::string_view bytes) {
    const std::lock_guard lock(mutex);
    std::copy(bytes.begin(), bytes.end(), page.begin() + static_cast<std::ptrdiff_t>(at));
    std::size_t loading = 0;
    bool suspect = false;
    for (std::size_t line = 64; line < 32 * 64; line += 64)
      if (page.compare(line, 7, "loading") == 0) {
        ++loading;
        for (const std::uint64_t n : {1u, 2u})
          suspect = suspect || page.find(to_text(run_number(n)), line) < line + 64;
      }
    if (suspect)
      most_beside_a_suspect = std::max(most_beside_a_suspect, loading);
  });
  std::vector<std::thread> threads;
  for (std::uint64_t thread = 0; thread < 4; ++thread)
    threads.emplace_back([&, thread] {
      for (std::uint64_t i = 0; i < 500; ++i) {
        const auto suspect = i == 250 && thread < 2 ? thread + 1 : 10 + thread;
        EXPECT_TRUE(marks.begin(run_number(suspect), loading_work::resume));
        std::this_thread::yield();
      }
    });
  for (auto& each : threads)
    each.join();
  EXPECT_EQ(most_beside_a_suspect, 1u);
  EXPECT_EQ(page, loading_page_after({}, "1"));
}

TEST(LoadingFile, MoreThanThereAreLinesForAreLoadedUnmarked) {
  auto page = loading_page_after({}, "1");
  loading_marks marks(page, [&](std::size_t at, std::string_view bytes) {
    ASSERT_LT(at, 32u * 64u);
    std::copy(bytes.begin(), bytes.end(), page.begin() + static_cast<std::ptrdiff_t>(at));
  });
  std::vector<std::unique_ptr<loading_mark>> held;
  for (std::uint64_t n = 0; n < 40; ++n)
    held.push_back(marks.begin(run_number(n), loading_work::read));
  const loading_marks after(loading_page_after(page, "1"), [](auto, auto) {});
  EXPECT_EQ(after.found().size(), 31u);
  held.clear();
  EXPECT_EQ(page, loading_page_after({}, "1"));
}

TEST(LoadingFile, SaysWhenItCannotBeMade) {
  const scratch dir;
  std::filesystem::create_directory(dir / "loading");
  EXPECT_FALSE(open_loading_file(dir.path(), "1"));
  EXPECT_FALSE(open_loading_file(dir / "nowhere", "1"));
}

TEST(LoadingFile, IsNotCarriedByABackup) {
  const scratch dir;
  {
    const auto store = must_open(options_for(dir / "data"));
    const auto marks = open_loading_file(dir / "data", "1");
    ASSERT_TRUE(marks);
    const auto mark = (*marks)->begin(run_number(1), loading_work::resume);
    ASSERT_TRUE(store->backup_to(dir / "copy"));
  }
  ASSERT_TRUE(restore_backup(dir / "copy", dir / "data2"));
  EXPECT_TRUE(must_open(options_for(dir / "data2")));
  EXPECT_FALSE(std::filesystem::exists(dir / "data2/loading"));
}

} // namespace troupe::test

// views rebuild: makes the lists of a stopped node again, from the rows.
#include "actors/engine/views_rebuild.hpp"
#include "node-config/cli/commands.hpp"
#include "node-config/cli/offline.hpp"
#include "node-config/zones.hpp"
#include "persistence/views/sqlite_views.hpp"

#include <unistd.h>

#include <CLI/CLI.hpp>

#include <chrono>
#include <cstdio>
#include <filesystem>

namespace troupe::cli {

namespace {

using clock = std::chrono::steady_clock;
constexpr std::chrono::milliseconds draw_every{100};
constexpr std::chrono::seconds patience{60}; ///< without anything done: a full disk, say

unsigned long long number(const std::atomic<std::uint64_t>& n) {
  return n.load();
}

/// One line, drawn over itself, on a terminal only. False: nothing moves any more.
class progress_line {
public:
  progress_line(const rebuild_progress& what, const views& into, std::uint16_t partitions)
      : what_(what), into_(into), partitions_(partitions) {}
  ~progress_line() {
    if (drawn_)
      std::fputs("\r\033[2K", stderr);
  }

  bool step() {
    const auto now = clock::now();
    const auto done = number(what_.executions) + number(what_.reviews) + number(what_.documents) -
                      into_.lag() + what_.partitions;
    if (done != done_) {
      done_ = done;
      moved_ = now;
    }
    if (isatty(STDERR_FILENO) != 0 && now - drawn_at_ >= draw_every) {
      drawn_at_ = now;
      drawn_ = true;
      std::fprintf(stderr, "\r\033[2Kpartition %u of %u  %llu executions  %llu documents",
                   std::min(what_.partitions + 1u, partitions_ + 1u), partitions_ + 1u,
                   number(what_.executions), number(what_.documents));
      std::fflush(stderr);
    }
    return now - moved_ < patience;
  }

private:
  const rebuild_progress& what_;
  const views& into_;
  const unsigned partitions_;
  unsigned long long done_ = 0;
  clock::time_point moved_ = clock::now(), drawn_at_{};
  bool drawn_ = false;
};

void remove_views(const std::string& path) {
  std::error_code ignored;
  for (const auto* suffix : {"", "-wal", "-shm", ".damaged"})
    std::filesystem::remove(path + suffix, ignored);
}

/// Into a new file beside the old one; the old one stays until the new one is complete.
result<void> build(rocks_store& store, const std::string& path, rebuild_progress& progress) {
  remove_views(path);
  auto into = open_views(path);
  if (!into)
    return into.error();
  engine_settings settings;
  settings.partitions = store.partitions();
  settings.limits.nodes_max = SIZE_MAX;
  settings.limits.zone_known = zone_known;
  progress_line line(progress, **into, settings.partitions);
  return rebuild_views(store, store, **into, settings, progress, [&] { return line.step(); });
}

result<void> put_in_place(const std::string& made, const std::string& path) {
  remove_views(path);
  std::error_code why;
  std::filesystem::rename(made, path, why);
  if (why)
    return failure{
        failure_kind::internal, "views_failed", "The new view file: " + why.message(), {}, {}};
  return {};
}

int rebuild(const std::string& data_dir) {
  const auto began = clock::now();
  const auto path = data_dir + "/views.sqlite", made = path + ".new";
  auto store = open_existing(data_dir);
  if (!store)
    return print_failure(store.error()), exit_code::failed;
  rebuild_progress progress;
  auto done = build(**store, made, progress);
  if (done)
    done = put_in_place(made, path);
  if (!done) {
    remove_views(made);
    return print_failure(done.error()), exit_code::failed;
  }
  const std::chrono::duration<double> took = clock::now() - began;
  std::printf("ok: %llu executions, %llu reviews, %llu documents in %s\n",
              number(progress.executions), number(progress.reviews), number(progress.documents),
              human_seconds(took.count()).c_str());
  if (progress.unreadable == 0)
    return exit_code::ok;
  std::fprintf(stderr, "%llu could not be read and are not listed: run 'troupe log verify'\n",
               number(progress.unreadable));
  return exit_code::failed;
}

} // namespace

void add_views(CLI::App& app, context& c) {
  auto data_dir = std::make_shared<std::string>("troupe-data");
  auto* all = app.add_subcommand("views", "Manage the read views");
  all->require_subcommand(1);
  auto* command = all->add_subcommand("rebuild", "Make the lists of a stopped node again");
  command->add_option("--data-dir", *data_dir, "data directory of a stopped node")
      ->envname("TROUPE_DATA_DIR");
  command->footer("Example: troupe views rebuild --data-dir troupe-data");
  command->callback([&c, data_dir] { c.run = [data_dir] { return rebuild(*data_dir); }; });
}

} // namespace troupe::cli

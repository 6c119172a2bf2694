// doctor, health, completion: is this machine and that node all right?
#include "node-config/cli/commands.hpp"
#include "node-config/settings.hpp"

#include <CLI/CLI.hpp>

#include <fcntl.h>
#include <sys/resource.h>
#include <sys/statvfs.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <filesystem>

namespace troupe::cli {

namespace {

void report(bool good, const std::string& what, const std::string& advice) {
  std::printf("%s %s\n",
              good ? paint(colour::green, "ok  ").c_str() : paint(colour::red, "warn").c_str(),
              what.c_str());
  if (!good && !advice.empty())
    std::printf("     %s\n", advice.c_str());
}

/// Milliseconds of the median fdatasync of 4 KiB appends; negative when the folder is not writable.
double fdatasync_median_ms(const std::string& dir) {
  const auto path = dir + "/.troupe-probe";
  const int fd = open(path.c_str(), O_CREAT | O_WRONLY | O_APPEND | O_CLOEXEC, 0600);
  if (fd < 0)
    return -1;
  const std::string block(4096, 'x');
  std::vector<double> times;
  for (int i = 0; i < 50; ++i) {
    const auto began = std::chrono::steady_clock::now();
    if (write(fd, block.data(), block.size()) < 0 || fdatasync(fd) != 0)
      break;
    times.push_back(
        std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - began)
            .count());
  }
  close(fd);
  unlink(path.c_str());
  if (times.empty())
    return -1;
  std::nth_element(times.begin(), times.begin() + static_cast<std::ptrdiff_t>(times.size() / 2),
                   times.end());
  return times[times.size() / 2];
}

void check_machine(const std::string& dir) {
  rlimit files{};
  getrlimit(RLIMIT_NOFILE, &files);
  report(files.rlim_cur >= 4096, "open files: " + std::to_string(files.rlim_cur),
         "Raise it: ulimit -n 65536, or LimitNOFILE= in the service file.");
  struct statvfs disk {};
  if (statvfs(dir.c_str(), &disk) == 0) {
    const auto free_bytes = static_cast<std::uint64_t>(disk.f_bavail) * disk.f_frsize;
    report(free_bytes > (std::uint64_t{1} << 30),
           "free disk: " + std::to_string(free_bytes >> 20) + " MiB",
           "Less than 1 GiB is left where the data directory is.");
  }
  const auto ms = fdatasync_median_ms(dir);
  char text[64];
  std::snprintf(text, sizeof text, "fdatasync: %.2f ms median", ms);
  report(ms >= 0 && ms < 10, ms < 0 ? "the data directory is not writable" : text,
         ms < 0 ? "Choose another --data-dir, or give this user the right to write."
                : "Every acknowledged step waits for it: use a faster disk.");
}

int doctor(context& c, const std::string& data_dir) {
  const auto parent = std::filesystem::exists(data_dir) ? data_dir : std::string{"."};
  check_machine(parent);
  auto node = c.connect();
  const auto health = node.get("/health");
  report(health.has_value(),
         health ? "node at " + c.url + ": " + field(*health, "status") + ", version " +
                      field(*health, "version")
                : "no node answers at " + c.url,
         "Start one with 'troupe serve'.");
  return health ? exit_code::ok : exit_code::unreachable;
}

int health(context& c) {
  const auto answer = c.connect().get("/health/ready");
  if (!answer)
    return print_failure(answer.error()), exit_code::failed;
  std::puts(field(*answer, "status").c_str());
  return exit_code::ok;
}

void collect(const CLI::App& app, std::string& words) {
  for (const auto* sub : app.get_subcommands([](const CLI::App*) { return true; }))
    words += (words.empty() ? "" : " ") + sub->get_name();
}

int completion(const CLI::App& app, const std::string& shell) {
  std::string words;
  collect(app, words);
  if (shell == "fish") {
    std::printf("complete -c troupe -f -n __fish_use_subcommand -a '%s'\n", words.c_str());
    return exit_code::ok;
  }
  if (shell == "zsh")
    std::puts("autoload -U +X bashcompinit && bashcompinit");
  std::printf("complete -W '%s' -o default troupe\n", words.c_str());
  return exit_code::ok;
}

} // namespace

void add_health(CLI::App& app, context& c) {
  auto* check_all = app.add_subcommand("doctor", "Check this machine and the node");
  auto dir = std::make_shared<std::string>("troupe-data");
  check_all->add_option("--data-dir", *dir, "data directory to look at")
      ->envname("TROUPE_DATA_DIR");
  add_connection(*check_all, c);
  check_all->callback([&c, dir] { c.run = [&c, dir] { return doctor(c, *dir); }; });

  auto* probe = app.add_subcommand("health", "Exit with 0 when the node is ready, 1 when not");
  add_connection(*probe, c);
  probe->callback([&c] { c.run = [&c] { return health(c); }; });

  auto* shell = app.add_subcommand("completion", "Print shell completion: bash, zsh or fish");
  auto name = std::make_shared<std::string>("bash");
  shell->add_option("shell", *name, "bash, zsh or fish")
      ->check(CLI::IsMember({"bash", "zsh", "fish"}));
  shell->footer("Example: source <(troupe completion bash)");
  shell->callback([&c, &app, name] { c.run = [&app, name] { return completion(app, *name); }; });
}

} // namespace troupe::cli

// bench: how many durable steps a second a node makes, as a client sees it.
#include "node-config/cli/commands.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <mutex>
#include <thread>
#include <unistd.h>

namespace troupe::cli {

namespace {

using steady = std::chrono::steady_clock;

struct bench_options {
  unsigned connections = 16, seconds = 5, steps = 10;
  bool json = false;
};

/// Steps in a row, each with a result of about 200 bytes that is durable before the next begins.
std::string chain_of(unsigned steps) {
  json::array all;
  for (unsigned i = 0; i < steps; ++i) {
    json::array after;
    if (i > 0)
      after.emplace_back("s" + std::to_string(i - 1));
    all.emplace_back(json::object{
        {"step_id", "s" + std::to_string(i)},
        {"skill_type", "echo"},
        {"depends_on", std::move(after)},
        {"parameters", json::object{{"n", "{{ input.n }}"}, {"text", std::string(180, 'x')}}}});
  }
  return json::write(json::object{{"name", "troupe bench " + std::to_string(getpid())},
                                  {"steps", std::move(all)}});
}

struct tally {
  std::mutex mutex;
  std::vector<double> times_ms; ///< of runs that ended in success
  std::size_t failed = 0;
  std::optional<failure> first_failure;
};

/// One closed loop: the next run starts when the last one has ended.
void run_until(steady::time_point end, api_client& node, const std::string& path,
               std::atomic<std::uint64_t>& number, tally& out) {
  while (steady::now() < end) {
    const auto began = steady::now();
    const auto n = number.fetch_add(1);
    const auto ended =
        node.send("POST", path, "{\"input_data\":{\"n\":" + std::to_string(n) + "}}");
    const auto took = std::chrono::duration<double, std::milli>(steady::now() - began).count();
    const std::lock_guard lock(out.mutex);
    if (ended && field(*ended, "status") == "success") {
      out.times_ms.push_back(took);
      continue;
    }
    ++out.failed;
    if (!ended && !out.first_failure)
      out.first_failure = ended.error();
    if (!ended && out.times_ms.empty())
      return; // nothing works: no storm of errors
  }
}

void show_progress(steady::time_point began, steady::time_point end, tally& so_far) {
  while (isatty(2) && steady::now() < end) {
    std::this_thread::sleep_for(std::chrono::milliseconds(250));
    const std::lock_guard lock(so_far.mutex);
    std::fprintf(stderr, "\r%.0f s  %zu runs ",
                 std::chrono::duration<double>(steady::now() - began).count(),
                 so_far.times_ms.size());
  }
  if (isatty(2))
    std::fprintf(stderr, "\r\x1b[K");
}

double share_of(const std::vector<double>& sorted, double share) {
  return sorted.empty() ? 0 : sorted[static_cast<std::size_t>(share * double(sorted.size() - 1))];
}

int print_result(const bench_options& how, double seconds, tally& seen) {
  auto& times = seen.times_ms;
  std::sort(times.begin(), times.end());
  const auto per_s = double(times.size()) / seconds;
  if (how.json)
    std::puts(json::write(json::object{{"connections", how.connections},
                                       {"steps", how.steps},
                                       {"runs", times.size()},
                                       {"failed", seen.failed},
                                       {"runs_per_s", per_s},
                                       {"steps_per_s", per_s * how.steps},
                                       {"p50_ms", share_of(times, 0.5)},
                                       {"p99_ms", share_of(times, 0.99)}})
                  .c_str());
  else
    std::printf("%zu runs of %u durable steps over %u connections: %.0f runs/s, %.0f steps/s, "
                "p50 %.1f ms, p99 %.1f ms, %zu failed\n",
                times.size(), how.steps, how.connections, per_s, per_s * how.steps,
                share_of(times, 0.5), share_of(times, 0.99), seen.failed);
  if (seen.first_failure)
    return print_failure(*seen.first_failure);
  return seen.failed > 0 ? exit_code::failed : exit_code::ok;
}

int bench(context& c, const bench_options& how) {
  auto node = c.connect();
  const auto made = node.send("POST", "/api/v1/workflows", chain_of(how.steps));
  if (!made)
    return print_failure(made.error());
  const auto workflow = "/api/v1/workflows/" + field(*made, "id");
  const auto path = workflow + "/execute?wait=60";
  tally seen;
  std::atomic<std::uint64_t> number{0};
  const auto began = steady::now();
  const auto end = began + std::chrono::seconds(how.seconds);
  std::vector<std::thread> loops;
  for (unsigned i = 0; i < how.connections; ++i)
    loops.emplace_back([&] { run_until(end, node, path, number, seen); });
  show_progress(began, end, seen);
  for (auto& loop : loops)
    loop.join();
  const auto seconds = std::chrono::duration<double>(steady::now() - began).count();
  const auto removed = node.send("DELETE", workflow, {});
  const auto code = print_result(how, seconds, seen);
  return removed ? code : print_failure(removed.error());
}

} // namespace

void add_bench(CLI::App& app, context& c) {
  auto* command = app.add_subcommand("bench", "Measure a node: durable steps a second");
  auto how = std::make_shared<bench_options>();
  command->add_option("--connections", how->connections, "runs at a time (1 to 64)")
      ->check(CLI::Range(1, 64))
      ->capture_default_str();
  command->add_option("--seconds", how->seconds, "how long")
      ->check(CLI::Range(1, 3600))
      ->capture_default_str();
  command->add_option("--steps", how->steps, "steps of a run, one after the other")
      ->check(CLI::Range(1, 100))
      ->capture_default_str();
  command->add_flag("--json", how->json, "print JSON");
  add_connection(*command, c);
  command->footer("Leaves its runs in the history of a workflow that is deleted at the end.\n"
                  "Example: troupe bench --connections 64 --seconds 10");
  command->callback([&c, how] { c.run = [&c, how] { return bench(c, *how); }; });
}

} // namespace troupe::cli

// demo chaos: three nodes, many runs, one node killed under them, and the proof of what happened.
#include "node-config/cli/commands.hpp"
#include "node-config/cli/demo_cluster.hpp"
#include "node-config/cli/demo_target.hpp"

#include <CLI/CLI.hpp>

#include <algorithm>
#include <atomic>
#include <csignal>
#include <cstdio>
#include <thread>

namespace troupe::cli {

namespace {

using steady = std::chrono::steady_clock;

constexpr std::chrono::milliseconds effect_takes{40};
constexpr std::chrono::seconds start_patience{60}, end_patience{120};
constexpr unsigned clients = 8;
const std::vector<std::string> step_names{"charge", "ship"};

volatile std::sig_atomic_t stop_asked = 0;

struct chaos_options {
  unsigned runs = 200;
  bool json = false;
};

/// An effect that did not happen exactly once.
struct oddity {
  std::string run, step, attempt; ///< attempt: the one that was cut off; empty: none is recorded
  std::size_t times = 0;
  bool explained = false; ///< the history says why, and the target could tell it by its key
};

std::string definition(const std::string& target) {
  json::array steps;
  for (std::size_t i = 0; i < step_names.size(); ++i) {
    json::array after;
    if (i > 0)
      after.emplace_back(step_names[i - 1]);
    steps.emplace_back(json::object{
        {"step_id", step_names[i]},
        {"skill_type", "http_request"},
        {"depends_on", std::move(after)},
        {"parameters",
         json::object{{"method", "POST"},
                      {"url", "http://" + target + "/{{ input.n }}/" + step_names[i]}}}});
  }
  return json::write(json::object{{"name", "chaos"}, {"steps", std::move(steps)}});
}

class chaos {
public:
  chaos(demo_cluster& nodes, demo_target& target, const chaos_options& how)
      : nodes_(nodes), target_(target), how_(how), runs_(how.runs) {}

  result<void> go();
  const std::vector<oddity>& oddities() const noexcept { return oddities_; }
  std::size_t killed() const noexcept { return killed_; }

private:
  void say(const std::string& text) const {
    if (!how_.json)
      std::printf("%5.1f s  %s\n", std::chrono::duration<double>(steady::now() - began_).count(),
                  text.c_str());
    std::fflush(stdout);
  }
  result<void> save();
  void start_runs();
  result<std::string> start_run(std::vector<api_client>& at, std::size_t n);
  result<void> kill_one();
  result<void> wait_for_ends();
  result<void> prove();
  result<oddity> look_at(std::size_t n, const std::string& step, const demo_target::effect* seen);

  demo_cluster& nodes_;
  demo_target& target_;
  const chaos_options how_;
  const steady::time_point began_ = steady::now();
  std::string workflow_;
  std::vector<std::string> runs_; ///< ids, by number
  std::atomic<std::size_t> next_{0}, started_{0};
  std::atomic<std::size_t> killed_{demo_cluster::size}; ///< which node; size: none
  std::vector<oddity> oddities_;
};

result<void> chaos::go() {
  if (auto saved = save(); !saved)
    return saved;
  say("three nodes serve; " + std::to_string(how_.runs) + " runs of " +
      std::to_string(step_names.size()) + " effects begin");
  std::vector<std::thread> threads;
  for (unsigned i = 0; i < clients; ++i)
    threads.emplace_back([this] { start_runs(); });
  auto done = kill_one();
  for (auto& thread : threads)
    thread.join();
  if (!done)
    return done;
  if (started_ < how_.runs)
    return failure{
        failure_kind::unavailable, "demo_starts", "Not every run could be started.", {}, {}};
  say("all runs were accepted");
  if (auto ended = wait_for_ends(); !ended)
    return ended;
  say("all runs have ended in success");
  return prove();
}

result<void> chaos::save() {
  api_client node(nodes_.url(0), {});
  const auto made = node.send("POST", "/api/v1/workflows", definition(target_.address()));
  if (!made)
    return made.error();
  workflow_ = field(*made, "id");
  return {};
}

void chaos::start_runs() {
  std::vector<api_client> at;
  for (std::size_t i = 0; i < nodes_.nodes(); ++i)
    at.emplace_back(nodes_.url(i), std::string());
  for (auto n = next_++; n < how_.runs && stop_asked == 0; n = next_++)
    if (auto id = start_run(at, n)) {
      runs_[n] = std::move(*id);
      ++started_;
    }
}

/// With a key: a start that was cut off is asked for again, of the next node, and happens once.
result<std::string> chaos::start_run(std::vector<api_client>& at, std::size_t n) {
  const auto path = "/api/v1/workflows/" + workflow_ + "/execute";
  const auto body = "{\"input_data\":{\"n\":" + std::to_string(n) + "}}";
  const auto end = steady::now() + start_patience;
  for (auto turn = n;; ++turn) {
    auto made = at[turn % at.size()].send("POST", path, body, "application/json",
                                          "chaos-" + std::to_string(n));
    if (made)
      return field(*made, "execution_id");
    if (steady::now() > end || stop_asked != 0)
      return made.error();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
}

/// The one that leads most, when half of the effects have happened.
result<void> chaos::kill_one() {
  const auto half = how_.runs * step_names.size() / 2;
  const auto end = steady::now() + start_patience;
  while (target_.calls() < half && stop_asked == 0 && steady::now() < end)
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  auto shares = nodes_.leads();
  while (!shares && stop_asked == 0 && steady::now() < end) { // a leadership is on its way
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
    shares = nodes_.leads();
  }
  if (!shares)
    return shares.error();
  const auto most = std::max_element(shares->begin(), shares->end());
  killed_ = static_cast<std::size_t>(most - shares->begin());
  nodes_.kill(killed_);
  say("kill -9 of node " + std::to_string(killed_ + 1) + ", which led " + std::to_string(*most) +
      " partitions; " + std::to_string(target_.calls()) + " effects had happened");
  return {};
}

result<void> chaos::wait_for_ends() {
  api_client node(nodes_.url((killed_ + 1) % nodes_.nodes()), {});
  const auto end = steady::now() + end_patience;
  for (const auto& run : runs_)
    for (std::string status; status != "success";) {
      const auto seen = node.get("/api/v1/executions/" + run);
      status = seen ? field(*seen, "status") : "";
      if (stop_asked != 0 || steady::now() > end || status == "failed" || status == "cancelled")
        return failure{failure_kind::internal,
                       "demo_run",
                       "Run " + run + " did not succeed: " + (status.empty() ? "lost" : status),
                       {},
                       {}};
      if (status != "success")
        std::this_thread::sleep_for(std::chrono::milliseconds(30));
    }
  return {};
}

result<void> chaos::prove() {
  const auto effects = target_.effects();
  for (std::size_t n = 0; n < runs_.size(); ++n)
    for (const auto& step : step_names) {
      const auto at = effects.find("/" + std::to_string(n) + "/" + step);
      const auto* seen = at == effects.end() ? nullptr : &at->second;
      if (seen != nullptr && seen->times == 1)
        continue;
      auto odd = look_at(n, step, seen);
      if (!odd)
        return odd.error();
      oddities_.push_back(std::move(*odd));
    }
  return {};
}

/// A repeat is explained by an attempt that the kill cut off, and all calls have one key.
result<oddity> chaos::look_at(std::size_t n, const std::string& step,
                              const demo_target::effect* seen) {
  api_client node(nodes_.url((killed_ + 1) % nodes_.nodes()), {});
  const auto events = node.get("/api/v1/executions/" + runs_[n] + "/events?limit=500");
  if (!events)
    return events.error();
  oddity out{runs_[n], step, {}, seen == nullptr ? 0 : seen->times, false};
  std::size_t interrupted = 0;
  if (const auto* items = json::find(*events, "items"); items && items->is_array())
    for (const auto& each : items->get_array())
      if (field(each, "kind") == "attempt_interrupted" && field(each, "node") == step) {
        ++interrupted;
        out.attempt = field(each, "attempt");
      }
  out.explained = seen != nullptr && seen->keys.size() == 1 && seen->times <= interrupted + 1;
  return out;
}

int print_proof(const chaos& seen, const chaos_options& how) {
  const auto& odd = seen.oddities();
  const bool good = std::all_of(odd.begin(), odd.end(), [](const auto& o) { return o.explained; });
  const auto all = how.runs * step_names.size();
  if (how.json) {
    json::array repeated;
    for (const auto& o : odd)
      repeated.push_back(json::object{{"run", o.run},
                                      {"step", o.step},
                                      {"attempt", o.attempt},
                                      {"times", o.times},
                                      {"explained", o.explained}});
    std::puts(json::write(json::object{{"runs", how.runs},
                                       {"effects", all},
                                       {"once", all - odd.size()},
                                       {"killed", seen.killed() + 1},
                                       {"repeated", std::move(repeated)},
                                       {"proved", good}})
                  .c_str());
    return good ? exit_code::ok : exit_code::failed;
  }
  std::printf("\n%zu of %zu effects happened exactly once.\n", all - odd.size(), all);
  if (!odd.empty()) {
    std::puts("The others were under way when the node died, and were asked for again with the "
              "same Idempotency-Key:");
    std::vector<std::vector<std::string>> table;
    for (const auto& o : odd)
      table.push_back({o.run, o.step, o.attempt, std::to_string(o.times),
                       o.explained ? "its attempt was cut off" : "NOT EXPLAINED"});
    print_table({"RUN", "STEP", "ATTEMPT", "TIMES", "WHY"}, table);
  }
  std::printf("%s\n", good ? paint(colour::green, "proved: nothing was lost, and nothing was "
                                                  "repeated but what the kill cut off")
                                 .c_str()
                           : paint(colour::red, "NOT proved").c_str());
  return good ? exit_code::ok : exit_code::failed;
}

int run_chaos(const chaos_options& how) {
  struct sigaction stopping {};
  stopping.sa_handler = [](int) { stop_asked = 1; };
  for (const int signal : {SIGINT, SIGTERM, SIGHUP})
    sigaction(signal, &stopping, nullptr);
  demo_target target(effect_takes);
  const auto fail = [](const failure& why) {
    print_failure(why);
    return int{exit_code::failed};
  };
  if (auto listening = target.start(); !listening)
    return fail(listening.error());
  demo_cluster nodes(target.address(), [] { return stop_asked != 0; });
  if (auto started = nodes.start(); !started)
    return fail(started.error());
  chaos all(nodes, target, how);
  if (auto done = all.go(); !done)
    return fail(done.error());
  return print_proof(all, how);
}

} // namespace

void add_demo(CLI::App& app, context& c) {
  auto* demo = app.add_subcommand("demo", "See for yourself what Troupe promises");
  demo->require_subcommand(1);
  auto* command = demo->add_subcommand(
      "chaos", "Three nodes, many runs, kill -9 of one node, and the proof of what happened");
  auto how = std::make_shared<chaos_options>();
  command->add_option("--runs", how->runs, "runs, each with two HTTP effects")
      ->check(CLI::Range(1, 10'000))
      ->capture_default_str();
  command->add_flag("--json", how->json, "print the proof as JSON");
  command->footer("Everything runs on loopback, in a temporary directory that is removed at the "
                  "end.\nExit code 0: every effect happened once, or is named as repeated because "
                  "the kill cut it off.\nExample: troupe demo chaos --runs 500");
  command->callback([&c, how] { c.run = [how] { return run_chaos(*how); }; });
}

} // namespace troupe::cli

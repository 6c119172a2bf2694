// External workers: registrations, queues, leases. A plain object driven by messages and ticks.
//
//   task:  queued → leased → done
//   A lost lease ends the task as worker_lost: the run decides what follows.
#pragma once

#include "actors/api/promise.hpp"
#include "actors/api/skill.hpp"
#include "runtime/base/byte_budget.hpp"

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct worker_limits {
  milliseconds heartbeat{10'000};
  unsigned missed_heartbeats = 3; ///< lease of a task, and how long a silent worker counts as there
  std::size_t queue_max = 100'000;
  std::size_t output_bytes_max = std::size_t{16} << 20;
  std::uint32_t tasks_a_poll_max = 100;
  milliseconds poll_wait_max{60'000};
  byte_budget* budget = nullptr; ///< counts parameters of tasks; may be empty
};

/// What is known of a skill that workers have.
struct worker_skill {
  std::string type, description, effect;
  json::value parameters_schema;
  std::size_t workers = 0; ///< that are registered now
};

/// Not thread-safe: one actor owns it. Times are engine_clock::elapsed; deadlines shown to workers
/// are wall-clock.
class worker_table {
public:
  using new_id = std::function<std::string()>;
  worker_table(worker_limits limits, new_id ids) : limits_(limits), ids_(std::move(ids)) {}

  /// Skills that were registered before this process started.
  void remember_skill(worker_skill known);

  result<worker_info> enroll(const json::value& body, milliseconds now);
  /// Its leased tasks are lost; skills that nobody else has are forgotten.
  bool dismiss(std::string_view worker);
  void poll(const std::string& worker, const json::value& body, promise<json::value> answer,
            milliseconds now);
  result<json::value> message(std::string_view worker, std::string_view task, std::string_view verb,
                              const json::value& body, milliseconds now);
  /// {results: [{task_id, token, output | error, logs?}]} → {results: [{task_id, status, code?}]}
  result<json::value> results(std::string_view worker, const json::value& body, milliseconds now);

  /// Queues a task. Returns its number, for abort; 0 when it was answered at once.
  std::uint64_t add(skill_task what, skill_done done, skill_live live, milliseconds now,
                    instant wall);
  void abort(std::uint64_t number);

  /// Another node's table goes on: waiting polls are told, tasks are forgotten without a word.
  void close(const failure& why);

  /// Ends what is overdue: waits of polls, leases, timeouts.
  void tick(milliseconds now);

  bool knows(std::string_view skill) const { return skills_.contains(skill); }
  const std::map<std::string, worker_skill, std::less<>>& skills() const { return skills_; }
  json::value describe(milliseconds now) const; ///< GET /skill-providers
  std::size_t queued() const noexcept { return queued_; }
  /// When the task that waits longest was added; nothing: none waits.
  std::optional<milliseconds> oldest_queued() const;
  bool idle() const noexcept { return workers_.empty() && tasks_.empty(); }
  std::size_t leased() const noexcept { return tasks_.size() - queued_; }

private:
  struct task {
    skill_task what;
    skill_done done;
    skill_live live;
    std::string id, token, worker;
    milliseconds deadline{0}, lease_until{0};
    instant wall_deadline{};
    bool leased = false;
    byte_claim claim;
  };
  struct parked {
    promise<json::value> answer;
    milliseconds until{0};
    std::uint32_t tasks_max = 1;
    std::uint64_t order = 0;
  };
  struct worker {
    worker_info info;
    std::vector<std::string> skills;
    std::deque<parked> polls;
    std::set<std::uint64_t> tasks;
    milliseconds seen{0};
    std::uint64_t done = 0;
  };

  using task_map = std::map<std::uint64_t, task>;
  result<std::uint64_t> holder(std::string_view worker, std::string_view task_id,
                               const json::value& body) const;
  result<void> end_with(std::uint64_t number, std::string_view verb, const json::value& body);
  void finish(std::uint64_t number, attempt_outcome how);
  void lose(std::uint64_t number);
  void offer(std::uint64_t number, milliseconds now);
  std::vector<std::uint64_t> take(worker& by, std::uint32_t most, milliseconds now);
  json::value show(const std::vector<std::uint64_t>& numbers) const;
  void schedule(std::uint64_t number);
  void unschedule(std::uint64_t number);

  worker_limits limits_;
  new_id ids_;
  std::map<std::string, worker, std::less<>> workers_;
  std::map<std::string, worker_skill, std::less<>> skills_;
  std::map<std::string, std::set<std::uint64_t>, std::less<>> queues_; ///< by skill, in order
  task_map tasks_;
  std::map<std::string, std::uint64_t, std::less<>> by_id_;
  std::set<std::pair<milliseconds, std::uint64_t>> due_; ///< next look at each task
  std::size_t queued_ = 0;
  std::uint64_t next_number_ = 1, next_order_ = 1;
};

} // namespace troupe

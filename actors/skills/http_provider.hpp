// HTTP_REQUEST as a skill provider: bounded calls in flight, the rest waits in order.
#pragma once

#include "actors/api/clock.hpp"
#include "actors/skills/http_request.hpp"
#include "runtime/base/byte_budget.hpp"

#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

namespace troupe {

struct http_limits {
  std::uint32_t running_max = 256, per_host_max = 64;
  byte_budget* budget = nullptr; ///< counts requests that wait or run; may be empty
};

/// Thread-safe; owned by shared_ptr. Calls under way keep it; the client and the clock outlive it.
class http_provider final : public skill_provider,
                            public std::enable_shared_from_this<http_provider> {
public:
  http_provider(http::client& client, const engine_clock& clock, http_limits limits);
  std::shared_ptr<skill_call> start(skill_task what, skill_done done, skill_live live) override;

  struct load {
    std::size_t running = 0, waiting = 0;
    std::uint64_t calls = 0, failures = 0;
  };
  load current() const;
  void abort_all();

private:
  struct job;
  using job_ptr = std::shared_ptr<job>;
  void launch(const job_ptr& what);
  void finished(const job_ptr& what, result<http::incoming_response> answer);
  void drop(const job_ptr& what);
  bool take(const job_ptr& what); ///< under the lock: whether it may run now
  job_ptr take_next();            ///< under the lock: the first that may run

  http::client& client_;
  const engine_clock& clock_;
  const http_limits limits_;
  mutable std::mutex mutex_;
  std::deque<job_ptr> waiting_;
  std::map<std::string, std::uint32_t, std::less<>> per_host_;
  std::map<const job*, job_ptr> running_;
  std::uint64_t calls_ = 0, failures_ = 0;
};

} // namespace troupe

// Counts of requests by route and status, and their latencies, as Prometheus text.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::gate {

/// Thread-safe. Bounded: routes and statuses are of fixed sets.
class request_counters {
public:
  static constexpr std::array<double, 12> bounds_seconds{0.001, 0.0025, 0.005, 0.01, 0.025, 0.05,
                                                         0.1,   0.25,   0.5,   1.0,  2.5,   10.0};

  void count(std::string_view verb, std::string_view route, unsigned status,
             std::chrono::nanoseconds took);
  std::string text() const;

  std::atomic<std::int64_t> streams_open{0}, sockets_open{0};

private:
  struct histogram {
    std::array<std::uint64_t, bounds_seconds.size() + 1> buckets{};
    double sum_seconds = 0;
    std::uint64_t total = 0;
  };
  struct row {
    std::map<unsigned, std::uint64_t> by_status;
    histogram latency;
  };
  mutable std::mutex mutex_; ///< guards rows_
  std::map<std::pair<std::string, std::string>, row> rows_;
};

} // namespace troupe::gate

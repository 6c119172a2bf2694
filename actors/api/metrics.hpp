// Counters of one node: relaxed atomics, written by actors, read by /metrics.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

class counter {
public:
  void add(std::uint64_t n = 1) noexcept { value_.fetch_add(n, std::memory_order_relaxed); }
  void sub(std::uint64_t n = 1) noexcept { value_.fetch_sub(n, std::memory_order_relaxed); }
  std::uint64_t value() const noexcept { return value_.load(std::memory_order_relaxed); }

private:
  std::atomic<std::uint64_t> value_{0};
};

/// Durations in microseconds, in buckets that double from 100 µs.
class duration_histogram {
public:
  static constexpr std::size_t bucket_count = 20; ///< the last one is about 52 s
  void add(std::uint64_t micros) noexcept {
    std::size_t at = 0;
    for (std::uint64_t bound = 100; at < bucket_count && micros > bound; bound *= 2)
      ++at;
    buckets_[at].add();
    sum_.add(micros);
  }
  std::uint64_t bucket(std::size_t i) const noexcept { return buckets_[i].value(); }
  std::uint64_t sum_micros() const noexcept { return sum_.value(); }

private:
  std::array<counter, bucket_count + 1> buckets_;
  counter sum_;
};

struct engine_metrics {
  counter runs_started, runs_live, starts_refused, turns, events, commits_failed, crashes,
      quarantined, stuck;
  std::array<counter, 10> runs_ended; ///< by run_status
  counter attempts_io, attempts_instant, attempts_failed, steps_live, retries, timers_fired,
      passivated, outbox_sent, outbox_waiting, subscribers_dropped;
  duration_histogram commit, step;
};

/// Prometheus text format 0.0.4.
class metrics_text {
public:
  void value(std::string_view name, std::string_view type, std::string_view help, double v,
             std::string_view labels = {});
  void histogram(std::string_view name, std::string_view help, const duration_histogram& h);
  std::string take() { return std::move(out_); }

private:
  void head(std::string_view name, std::string_view type, std::string_view help);
  std::string out_, last_;
};

} // namespace troupe

// Finished executions as text, least recently used first out.
#pragma once

#include "runtime/base/ids.hpp"

#include <chrono>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <string>
#include <unordered_map>

namespace troupe::gate {

/// Thread-safe. An entry lives for at most age_max, because retention purges runs without asking
/// the gateway. It is good only as long as this node leads under the term that it was read in: the
/// reader must look for that after find().
class run_cache {
public:
  using text = std::shared_ptr<const std::string>;
  using time = std::chrono::steady_clock::time_point;
  static constexpr std::chrono::seconds age_max{2};

  explicit run_cache(std::size_t bytes_max) : bytes_max_(bytes_max) {}

  struct finding {
    text json; ///< empty: not here
    std::uint64_t term = 0;
  };
  finding find(const run_id& run, time now);
  /// Ask before the read whose result goes to put(): a drop in between makes the put void.
  std::uint64_t epoch() const;
  void put(const run_id& run, finding what, std::uint64_t epoch_before_read, time now);
  /// Call before a command is sent and again before its answer is given.
  void drop(const run_id& run);
  std::size_t bytes() const;

private:
  struct entry {
    run_id run;
    finding what;
    time since;
  };
  void erase(std::list<entry>::iterator at);

  const std::size_t bytes_max_;
  mutable std::mutex mutex_; ///< guards all below
  std::list<entry> order_;   ///< newest first
  std::unordered_map<run_id, std::list<entry>::iterator, run_id_hash> by_run_;
  std::size_t bytes_ = 0;
  std::uint64_t epoch_ = 0;
};

} // namespace troupe::gate

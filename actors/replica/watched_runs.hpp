// Where the watchers of workflows stand, run by run.
#pragma once

#include "actors/base/run_history.hpp"

#include <atomic>
#include <list>
#include <map>
#include <mutex>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe {

/// A run's turns that were told of since it was looked at last.
struct told_turns {
  unsigned count = 0;
  std::uint64_t index = 0; ///< newest entry of its partition that was told, of any run
};

class watched_runs {
public:
  explicit watched_runs(std::size_t runs_max) : runs_max_(runs_max) {}

  // Thread-safe
  std::uint64_t add(std::string workflow, std::shared_ptr<subscriber> who);
  void remove(const std::string& workflow, std::uint64_t ticket);
  bool any() const noexcept { return count_.load(std::memory_order_acquire) > 0; }
  /// Everybody goes. Returns how many there were.
  std::size_t drop_all();

  // The followers' thread
  /// Gives a run's events to the watchers of its workflow, at most so many. True: there are more.
  bool turn(engine_shared& shared, const run_id& run, const told_turns& told,
            std::size_t events_max);
  void live(engine_shared& shared, const run_id& run, std::string_view kind,
            const std::shared_ptr<const std::string>& json);
  /// Runs of the partition that watchers have heard of.
  std::vector<run_id> heard_of(partition_id partition) const;

private:
  struct watched {
    std::uint64_t era = 0; ///< begins when a workflow gets its first watcher
    std::map<std::uint64_t, std::shared_ptr<subscriber>> watchers;
  };
  struct place {
    std::string workflow;
    std::uint64_t era = 0; ///< of the workflow when `seen` was found; 0: never
    sequence_number seen = 0;
    std::list<run_id>::iterator order;
  };

  watched of(const std::string& workflow) const;
  place* find(engine_shared& shared, const run_id& run);

  const std::size_t runs_max_;
  mutable std::mutex mutex_;
  std::map<std::string, watched, std::less<>> watched_;
  std::atomic<std::size_t> count_{0};
  std::uint64_t next_ = 1;
  // The thread's own
  std::unordered_map<run_id, place, run_id_hash> places_;
  std::list<run_id> newest_first_;
};

} // namespace troupe

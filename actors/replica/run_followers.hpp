// Subscriptions on a node of a cluster: given from the stored events, whoever leads the run's
// partition, now or later.
#pragma once

#include "actors/replica/followed_run.hpp"
#include "actors/replica/watched_runs.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <thread>
#include <unordered_map>
#include <vector>

namespace troupe {

struct follower_limits {
  std::size_t events_a_turn = 256; ///< of one run, before others have their turn
  /// So long a run may be unknown where another node leads: its entries are on their way.
  std::chrono::milliseconds unknown_wait{10'000};
  /// Changed runs that wait for their turn; beyond, watchers of workflows are dropped.
  std::size_t waiting_max = 200'000;
  std::size_t watched_max = 10'000; ///< runs of watched workflows that are remembered
  std::size_t live_max = 10'000;    ///< words that are no events and wait; beyond, they are lost
};

/// What follows from notes about control, before subscribers hear of anything later.
struct control_steps {
  std::function<void(const std::string& name)> changed;
  std::function<void()> all_changed;
};

/// Thread-safe. Subscribers are called on one thread, for each run in order, each event once.
class run_followers : public std::enable_shared_from_this<run_followers> {
public:
  explicit run_followers(follower_limits limits = {})
      : limits_(limits), watched_(limits.watched_max) {}
  ~run_followers() { stop(); }

  void start(std::shared_ptr<engine_shared> shared, control_steps control);
  /// Ends the thread; subscribers are let go without a word. Idempotent.
  void stop();

  // From the log's thread; never block
  /// A proposal that is applied, whoever made it: what it changed.
  void changed(partition_id partition, std::uint64_t index, std::string_view names);
  /// Rows may have come as a whole.
  void changed_whole(partition_id partition, std::uint64_t index);

  /// What a run that is led here says and is no event (progress, tokens). Never blocks. A wait for
  /// a person is told from its event: that word is left out here.
  void live(const run_id& run, std::string_view kind, std::shared_ptr<const std::string> json);

  /// All events behind `since`, then what comes; on_end when the run has ended, or is not there.
  /// Letting go of the handle ends it: a call under way may still end after that.
  std::shared_ptr<void> subscribe(const run_id& run, sequence_number since,
                                  std::shared_ptr<subscriber> who);
  /// Every event that this node hears of from now on of the runs of a workflow.
  std::shared_ptr<void> watch(const std::string& workflow, std::shared_ptr<subscriber> who);

private:
  using clock = std::chrono::steady_clock;
  struct arrival {
    run_id run{};
    std::uint64_t ticket = 0;
    sequence_number since = 0;
    std::shared_ptr<subscriber> who; ///< empty: it goes
  };
  struct word {
    run_id run{};
    std::string kind;
    std::shared_ptr<const std::string> json;
  };
  struct waiting {
    told_turns told;
    bool watched = false; ///< watchers are behind
  };
  /// What others left for the thread.
  struct notes {
    std::vector<arrival> arrivals;
    std::unordered_map<run_id, told_turns, run_id_hash> runs;
    std::vector<partition_id> whole;
    std::vector<word> live;
    std::vector<std::string> control;
    bool control_whole = false;
    bool flooded = false; ///< more runs change than can be looked at
    bool any() const noexcept {
      return !arrivals.empty() || !runs.empty() || !whole.empty() || !live.empty() ||
             !control.empty() || control_whole || flooded;
    }
  };

  bool followed(const run_id& run) const { return followed_.contains(run); }
  void note(const run_id& run);
  void work();
  void take(notes now);
  void queue(const run_id& run, const told_turns& told);
  void turn();
  void look(const run_id& run, followed_run& at, bool& more);
  void forget(const run_id& run, std::size_t subscriptions);
  clock::time_point expire(clock::time_point now);

  const follower_limits limits_;
  std::shared_ptr<engine_shared> shared_;
  control_steps control_;
  watched_runs watched_;
  std::mutex mutex_;
  std::condition_variable wake_;
  notes notes_;
  std::unordered_map<run_id, std::size_t, run_id_hash> followed_; ///< subscriptions of a run
  std::unordered_map<std::uint16_t, std::uint64_t> told_;         ///< newest entry, by partition
  std::uint64_t next_ = 1;
  bool closing_ = false;
  // The thread's own
  std::unordered_map<run_id, followed_run, run_id_hash> runs_;
  std::unordered_map<run_id, waiting, run_id_hash> waiting_;
  std::deque<run_id> order_; ///< of those that wait
  std::map<run_id, clock::time_point> unknown_;
  std::thread thread_;
};

} // namespace troupe

// What every part of a simulated cluster shares: one source of chance, one time, one list of what
// is due, and the first promise that was broken.
#pragma once

#include "runtime/base/prng.hpp"

#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <utility>

namespace troupe::test {

/// Which faults a run has, and how often: permille of steps, percent of messages and calls.
struct fault_mix {
  unsigned crash = 0;    ///< permille: a process dies, in a write or between two
  unsigned power = 0;    ///< percent of crashes that lose what was not synced
  unsigned full = 0;     ///< permille: a disk fills up, or has space again
  unsigned cut = 0;      ///< permille: messages from one node to another stop, or all go again
  unsigned lose = 0;     ///< percent of messages
  unsigned repeat = 0;   ///< percent of messages of the log
  unsigned slow = 0;     ///< percent of messages that take long
  unsigned freeze = 0;   ///< permille: a process stands still for a while
  unsigned jump = 0;     ///< permille: a wall clock jumps
  unsigned drift = 0;    ///< permille that clocks may run faster or slower
  unsigned transfer = 0; ///< permille: leaderships must leave a node, or may come back
  unsigned trim = 0;     ///< permille: a log is cut behind what is applied
  unsigned endpoint = 0; ///< percent of calls that fail, get lost, or lose their answer
};

struct fault_kind {
  const char* name;
  unsigned fault_mix::*often;
  unsigned most; ///< that a seed chooses
};
inline constexpr fault_kind fault_kinds[] = {
    {"crash", &fault_mix::crash, 4},       {"power", &fault_mix::power, 100},
    {"full", &fault_mix::full, 1},         {"cut", &fault_mix::cut, 4},
    {"lose", &fault_mix::lose, 5},         {"repeat", &fault_mix::repeat, 5},
    {"slow", &fault_mix::slow, 20},        {"freeze", &fault_mix::freeze, 2},
    {"jump", &fault_mix::jump, 2},         {"drift", &fault_mix::drift, 10},
    {"transfer", &fault_mix::transfer, 2}, {"trim", &fault_mix::trim, 20},
    {"endpoint", &fault_mix::endpoint, 30}};

struct fault_counts {
  std::uint64_t crashes = 0, in_a_write = 0, unsynced_lost = 0, full_disks = 0, cuts = 0, lost = 0,
                repeated = 0, slow = 0, frozen = 0, jumps = 0, transfers = 0, trims = 0,
                states_fetched = 0, calls_lost = 0, answers_lost = 0, calls_failed = 0;
};

struct work_counts {
  std::uint64_t operations = 0, acknowledged = 0, runs = 0, effects = 0, executed = 0, repeated = 0,
                interrupted = 0, timers = 0, entries = 0, steps = 0;
};

class stage {
public:
  stage(std::uint64_t seed, const fault_mix& mix) : random(seed), faults(mix) {}
  stage(const stage&) = delete;
  stage& operator=(const stage&) = delete;

  bool percent(unsigned n) { return random.below(100) < n; }
  bool permille(unsigned n) { return random.below(1'000) < n; }
  std::uint64_t between(std::uint64_t least, std::uint64_t most) {
    return least + random.below(most - least + 1);
  }

  std::uint64_t now() const noexcept { return now_; }
  void later(std::uint64_t in_ms, std::function<void()> what) {
    due_.emplace(std::pair(now_ + in_ms, ++order_), std::move(what));
  }
  /// When something is due; the end of time when nothing is.
  std::uint64_t next() const { return due_.empty() ? UINT64_MAX : due_.begin()->first.first; }
  void move_to(std::uint64_t ms) { now_ = ms; }
  void run_due() {
    while (!due_.empty() && due_.begin()->first.first <= now_ && fine()) {
      const auto what = std::move(due_.extract(due_.begin()).mapped());
      what();
    }
  }
  void forget_all() { due_.clear(); }

  /// Goes into the hash of all that happened.
  void trace(std::uint64_t what) { trace_ = prng(trace_ ^ what).next(); }
  std::uint64_t trace() const noexcept { return trace_; }

  void broke(const std::string& what) {
    if (broken_.empty())
      broken_ = what + " (at " + std::to_string(now_) + " ms)";
  }
  bool fine() const noexcept { return broken_.empty(); }
  const std::string& broken() const noexcept { return broken_; }

  prng random;
  fault_mix faults;
  fault_counts suffered;
  work_counts done;

private:
  std::uint64_t now_ = 1'000, order_ = 0, trace_ = 0;
  std::map<std::pair<std::uint64_t, std::uint64_t>, std::function<void()>> due_;
  std::string broken_;
};

} // namespace troupe::test

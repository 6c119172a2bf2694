// What must hold after every step, whoever writes: kept by a reader of all disks that knows no
// actor and no log.
#pragma once

#include "actors/api/skill.hpp"
#include "persistence/store/entry.hpp"
#include "runtime/engine/codec.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/stage.hpp"

#include <map>
#include <set>

namespace troupe::test {

/// A run as its committed events tell of it.
struct seen_run {
  sequence_number last = 0;
  chain_hash hash{};
  bool ended = false;
  std::string error;                          ///< code of its end
  std::set<std::string> completed;            ///< "node/iteration"
  std::set<std::uint64_t> timers_over;        ///< fired or cancelled
  std::map<std::string, std::string> signals; ///< node → name it waits for
  std::set<std::string> reviews;              ///< open
  std::set<std::string> messages;             ///< ids of signals that were received
  std::set<run_id> children;
  std::size_t turns = 0;
};

class checks {
public:
  explicit checks(stage& on) : stage_(on) {}

  /// A node leads a partition under a term.
  void led(std::uint64_t node, partition_id partition, std::uint64_t term);
  /// An attempt's effect begins. `term`: of the leadership, as the node knows it.
  void started(std::uint64_t node, std::uint64_t term, const skill_task& what);
  /// A node has written these rows.
  void wrote(const sim_disk& disk, const std::vector<row_change>& rows);

  const std::map<run_id, seen_run>& runs() const noexcept { return runs_; }
  std::size_t ended() const noexcept { return ended_; }

private:
  struct head {
    log_head log;
    std::uint64_t digest = 0;
    std::string rows;
  };
  void turn(const row_change& row);
  void take(const run_id& id, seen_run& run, const event& e);
  void take(const run_id& id, seen_run& run, const events::execution_finished& e);
  void timer_over(const run_id& id, seen_run& run, std::uint64_t timer);
  void head_of(const sim_disk& disk, const row_change& row);

  stage& stage_;
  std::map<std::pair<partition_id, std::uint64_t>, std::uint64_t> leaders_;
  std::map<std::pair<partition_id, std::uint64_t>, std::uint64_t> owners_; ///< of effects
  std::set<std::string> started_; ///< run/node/iteration/attempt
  std::map<std::pair<std::uint16_t, std::uint64_t>, head> heads_;
  std::map<std::string, std::uint64_t> turns_; ///< key → hash of the row
  std::map<run_id, seen_run> runs_;
  std::size_t ended_ = 0;
};

std::string to_text(const place& at);

} // namespace troupe::test

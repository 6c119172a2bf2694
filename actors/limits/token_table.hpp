// Tokens for running executions: one cap a node, one a workflow. Who must wait, waits in order.
#pragma once

#include "runtime/base/ids.hpp"

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <tuple>
#include <unordered_map>
#include <utility>
#include <vector>

namespace troupe {

enum class run_priority : std::uint8_t { high, normal, low };
run_priority priority_from_text(std::string_view text) noexcept; ///< unknown words are normal

/// What a run needs before it may run.
struct token_request {
  run_id run{};
  std::string workflow;
  std::uint32_t workflow_max = 0; ///< 0: no limit
  run_priority priority = run_priority::normal;
};

/// Not thread-safe: one actor owns it. A limit is never exceeded by acquire; reclaim may exceed it,
/// because those runs run already.
class token_table {
public:
  explicit token_table(std::uint32_t node_max) : node_max_(node_max) {}

  /// True: the run may start. False: it waits; take_granted() will name it.
  bool acquire(const token_request& what);
  /// Counts a run that was admitted before a restart, whether it waits here or not.
  void reclaim(const token_request& what);
  /// Ends a run's token or its wait, and gives what is free to those who waited longest within
  /// the highest priority: take_granted() names them.
  void release(const run_id& run);
  /// Who waited and may start now; each is named once.
  std::vector<run_id> take_granted() { return std::exchange(granted_, {}); }
  /// While it is paused, whoever asks waits, and nothing that comes free is given on.
  void pause(bool on);
  bool holds(const run_id& run) const { return held_.contains(run); }
  /// After an exception in one of the above: everything is derived again from who holds a token and
  /// who waits. What was asked then may be asked again.
  void repair();

  std::size_t running() const noexcept { return held_.size(); }
  std::size_t waiting() const noexcept { return order_.size(); }

private:
  struct use {
    std::uint32_t running = 0, max = 0;
  };
  using place = std::tuple<run_priority, std::uint64_t>;
  bool fits(const token_request& what) const;
  void take(const token_request& what);
  void grant();

  const std::uint32_t node_max_;
  std::map<std::string, use, std::less<>> workflows_;
  std::unordered_map<run_id, std::string, run_id_hash> held_;
  std::map<place, token_request> order_;
  std::unordered_map<run_id, place, run_id_hash> waiting_;
  std::vector<run_id> granted_; ///< and not taken
  std::uint64_t next_ = 0;
  bool paused_ = false;
};

} // namespace troupe

// The tokens of a cluster, where control is led: who holds them, partition by partition. A plain
// object of one leadership of control, driven by reports and time.
//
//   collecting ──every partition has reported, or the lease is over──► giving
//
// A new leader of control knows nothing, so it gives out nothing before it has heard from the
// current leader of every partition. After the lease, what is stored of a silent partition counts:
// its former bank gives nothing out any more by then.
#pragma once

#include "actors/limits/token_wire.hpp"
#include "runtime/base/instant.hpp"

#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_set>

namespace troupe {

/// Not thread-safe: one actor owns it. Times are engine_clock::elapsed.
class token_bank {
public:
  struct options {
    std::uint32_t executions_max = 0; ///< of the cluster; 0: no limit
    std::uint16_t partitions = 0;     ///< 1…P
    std::uint64_t term = 0;           ///< of control
    milliseconds lease_end{0};
  };
  /// The term under which a partition is led; nothing: nobody leads it.
  using leader_of = std::function<std::optional<std::uint64_t>(partition_id)>;
  /// Who runs in a partition, as this node has it stored.
  using stored_of = std::function<std::vector<token_request>(partition_id)>;

  explicit token_bank(const options& how) : how_(how), table_(how.executions_max) {
    table_.pause(true);
  }
  std::uint64_t term() const noexcept { return how_.term; }
  bool giving() const noexcept { return complete_ && may_give_; }

  /// Who of those that the report wants holds a token now. Fails with code "tokens_stale" (of a
  /// former leadership, here or there) or "tokens_gap" (the whole must be reported).
  result<std::vector<run_id>> take(std::uint64_t node, const token_report& report);

  /// To be called after every change and when time has passed. `may_give`: nobody else leads
  /// control for certain; without it nothing is given out.
  void settle(milliseconds now, bool may_give, const leader_of& leader, const stored_of& stored);

  struct push {
    std::uint64_t node = 0, number = 0;
    token_grants what;
  };
  /// What is to be told now; each must be answered by pushed().
  std::vector<push> take_pushes(milliseconds now);
  /// `unwanted` is a failure when nobody knows whether it arrived: it is told again.
  void pushed(partition_id partition, std::uint64_t number,
              const result<std::vector<run_id>>& unwanted, milliseconds now);

  /// When settle() and take_pushes() may have something to do by themselves.
  std::optional<milliseconds> next_due() const;

  std::size_t running() const noexcept { return table_.running(); }
  std::size_t waiting() const noexcept { return table_.waiting(); }

private:
  struct holder {
    std::uint64_t term = 0, node = 0; ///< 0: only what is stored
    std::uint64_t number = 0, base = 0;
    std::unordered_set<run_id, run_id_hash> runs;
    std::set<run_id> to_tell;
    std::uint64_t push = 0; ///< that is under way; 0: none
    std::vector<run_id> pushing;
    milliseconds tell_at{0}, back_off{0};
  };
  void replace(holder& of, const std::vector<token_change>& with);
  void apply(holder& of, const token_change& change);
  void note_granted();
  bool all_reported(const leader_of& leader) const;

  const options how_;
  token_table table_;
  std::map<partition_id, holder> holders_;
  bool complete_ = false, may_give_ = false;
  std::uint64_t next_push_ = 0;
};

} // namespace troupe

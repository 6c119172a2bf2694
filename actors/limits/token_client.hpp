// What the partitions that a node leads hold and want, and how far control's leader knows it. A
// plain object driven by messages and time.
//
//   claim:  asking → waiting → held → gone
//              └───────────────^
#pragma once

#include "actors/limits/token_wire.hpp"
#include "runtime/base/instant.hpp"

#include <deque>
#include <map>
#include <optional>

namespace troupe {

/// Not thread-safe: one actor owns it. Times are engine_clock::elapsed. One report of a partition
/// is under way at a time; what fails is sent again, and a new bank gets everything.
class token_client {
public:
  /// What a partition is to be told of a run that it asked for.
  struct news {
    run_id run{};
    std::uint64_t term = 0;
    bool at_once = false; ///< it is the first it hears
    bool queued = false;  ///< the run waits
  };

  /// A partition is led here under that term. `held` and `wanted` are all its claims.
  void open(partition_id partition, std::uint64_t term, const std::vector<token_request>& held,
            const std::vector<token_request>& wanted, milliseconds now);
  void close(partition_id partition, std::uint64_t term);
  void want(partition_id partition, std::uint64_t term, const token_request& what,
            milliseconds now);
  void release(partition_id partition, std::uint64_t term, const run_id& run);

  /// Who leads control; node 0: nobody is known to.
  void bank_is(std::uint64_t node, std::uint64_t term);

  /// To be sent to the bank's node now; each must be answered by reported().
  std::vector<token_report> take_reports(milliseconds now);
  /// The runs of the report that hold a token; or that it must be sent again.
  void reported(partition_id partition, std::uint64_t term, std::uint64_t bank,
                std::uint64_t number, const result<std::vector<run_id>>& granted, milliseconds now);

  /// Those that are wanted no more; code "tokens_stale" where another leadership goes on.
  result<std::vector<run_id>> grant(const token_grants& what);

  /// Says of starts that have waited long for an answer that they are queued.
  void settle(milliseconds now);
  std::vector<news> take_news() { return std::exchange(news_, {}); }
  /// When take_reports() or settle() may have something to do by themselves.
  std::optional<milliseconds> next_due() const;

  std::uint64_t bank_node() const noexcept { return bank_node_; }
  std::size_t held() const;

private:
  struct claim {
    token_request request;
    bool held = false, told = false; ///< told: that it is queued
  };
  struct channel {
    std::uint64_t term = 0;
    std::map<run_id, claim> claims; ///< ids are in the order of time
    std::vector<token_change> changes;
    std::optional<token_report> out; ///< not answered
    bool under_way = false;
    bool whole = true; ///< the next report must be
    std::uint64_t number = 0, base = 0;
    milliseconds send_at{0}, back_off{0};
  };
  struct asked {
    milliseconds until{0};
    partition_id partition{};
    run_id run{};
  };
  channel* find(partition_id partition, std::uint64_t term);
  void hold(channel& of, claim& each);
  static token_report next_report(partition_id partition, channel& of, std::uint64_t bank);
  void take_answer(channel& of, const std::vector<run_id>& granted);

  std::map<partition_id, channel> channels_;
  std::deque<asked> asked_;
  std::vector<news> news_;
  std::uint64_t bank_node_ = 0, bank_term_ = 0;
};

} // namespace troupe

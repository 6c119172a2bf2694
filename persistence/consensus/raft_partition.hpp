// One partition of a log with peers: its group, the proposals that wait for it, the rows that its
// committed entries become.
#pragma once

#include "persistence/consensus/partition_board.hpp"
#include "persistence/consensus/raft_group.hpp"
#include "persistence/consensus/raft_large.hpp"
#include "persistence/consensus/raft_transfer.hpp"
#include "persistence/consensus/raft_wire.hpp"
#include "persistence/store/entry.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe::raft {

/// Who should be a member; the leader of every group changes it, one member at a time, until it is
/// so.
struct wanted_member {
  node_number node = 0;
  member_role role = member_role::voter;
  bool leads = true; ///< false: leaderships move away from it
  friend bool operator==(const wanted_member&, const wanted_member&) = default;
};

/// What one write makes durable, and what may happen only after it.
struct write_round {
  std::vector<row_change> rows;
  bool durable = false;                            ///< a ballot or entries are among the rows
  std::size_t stored_bytes = 0, applied_bytes = 0; ///< of the entries among the rows
};

struct partition_options {
  group_options group;
  large_options large;
  std::uint64_t rebalance_after_ms = 5'000; ///< as a leader that is not the preferred one
  std::uint64_t transfer_again_ms = 1'000;  ///< of a leader that must not lead
};

/// Not thread-safe: the log's thread. A failure means that the partition cannot go on.
class raft_partition {
public:
  /// `board` outlives it.
  raft_partition(partition_id partition, const partition_options& options, row_store& rows,
                 partition_board& board);

  result<void> open(std::uint64_t now_ms);

  // What comes in
  void propose(proposal what, proposal_done done);
  result<void> receive(std::uint64_t now_ms, node_number from, wire_message what);
  result<void> tick(std::uint64_t now_ms);
  /// Submits what was proposed since; of large values as much as there is room for, and takes that
  /// from it. True: something.
  result<bool> submit(std::uint64_t now_ms, std::size_t& room);
  /// Of parts that are submitted and not committed.
  std::size_t parts_on_the_way();
  result<void> trim(std::uint64_t now_ms, log_index up_to);
  /// Takes the next step towards these members, and to the leader that is preferred among them.
  /// True: the leadership moves for balance alone, which it does only where it may.
  result<bool> keep_members(std::uint64_t now_ms, const std::vector<wanted_member>& wanted,
                            bool may_rebalance);
  result<void> transfer(std::uint64_t now_ms, node_number to);

  // A round of writing, in this order
  /// Adds what must be written; false: there is nothing.
  result<bool> gather(std::uint64_t now_ms, write_round& round);
  /// Messages that may leave now: before the write those that promise nothing of it.
  void send_early(std::map<node_number, byte_writer>& out);
  void send_late(std::map<node_number, byte_writer>& out);
  result<void> written(std::uint64_t now_ms, log_follower* follower);

  /// Parts of the state go on a lane of their own.
  std::vector<std::pair<node_number, state_part>> take_parts() { return std::exchange(parts_, {}); }
  void close(const failure& why);

  std::uint64_t deadline_ms() const;
  const group& replica() const noexcept { return group_; }
  const leadership& leads() const noexcept { return leads_; }
  bool installing() const noexcept { return install_ != nullptr; }

private:
  struct flight {
    log_index index = 0;
    term_number term = 0;
    std::vector<proposal_done> done;
  };
  using applied_entry = part_joiner::seen;

  result<entry_ptr> read_entry(log_index index) const;
  result<stored_group> stored();
  result<void> apply(write_round& round);
  void answer(const applied_entry& one, log_follower* follower);
  void refuse_waiting(const failure& why);
  result<void> apply_entry(write_round& round, const applied_entry& one, std::string large);
  void lose_flights(log_index beyond);
  void tell_leadership(std::uint64_t now_ms, log_follower* follower);
  void send(std::map<node_number, byte_writer>& out, std::vector<message>& messages);
  result<void> advance_install(std::uint64_t now_ms);
  std::uint64_t group_deadline_ms() const;
  node_number preferred(std::uint64_t now_ms, const std::vector<wanted_member>& wanted,
                        bool must) const;

  const partition_id partition_;
  const partition_options options_;
  row_store& rows_;
  partition_board& board_;
  group group_;
  log_head head_;
  log_index stored_last_ = 0; ///< entries up to it are in the log, or will be before others
  leadership leads_{0, 0, false};
  std::uint64_t now_ms_ = 0, led_since_ms_ = 0, transferred_ms_ = 0;
  std::vector<std::pair<proposal, proposal_done>> gathered_;
  std::deque<outgoing_entry> outgoing_;
  bool parts_open_ = false; ///< parts are submitted whose batch is not
  std::deque<std::pair<log_index, std::size_t>> parts_away_; ///< and their bytes
  std::deque<flight> flights_;
  std::vector<append> appends_; ///< of the round that is being written
  std::vector<message> early_, late_;
  std::vector<applied_entry> applied_;
  part_joiner parts_seen_;
  std::vector<row_change> trimmed_;
  std::unique_ptr<state_install> install_;
  std::optional<snapshot_mark> adopted_; ///< in the round that is being written
  state_exports exports_;
  std::vector<std::pair<node_number, state_part>> parts_;
  bool installed_ = false; ///< tell the follower that everything is another
};

} // namespace troupe::raft

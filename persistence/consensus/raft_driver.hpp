// All partitions of a log with peers, without a thread and a clock: what came in is worked off in
// rounds, each with one write for all partitions and one message for each peer.
#pragma once

#include "persistence/consensus/raft_partition.hpp"

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace troupe::raft {

/// Thread-safe; never blocks. What it is given may get lost.
class raft_network {
public:
  virtual ~raft_network() = default;
  virtual void send(node_number to, std::string bytes) = 0;
  /// Parts of a state: behind everything else.
  virtual void send_bulk(node_number to, std::string bytes) = 0;
};

struct driver_options {
  node_number self = 0;
  std::uint16_t partitions = 16; ///< 1…P, and control
  std::uint64_t election_timeout_ms = 500, heartbeat_ms = 100;
  std::uint64_t rebalance_after_ms = 5'000; ///< as in partition_options
  std::uint64_t tick_ms = 20; ///< deadlines of all partitions wait for the next of these
  std::uint32_t seed = 1;     ///< of the election timeouts
  large_options large;
  /// Of parts of large values that are submitted and not committed, in all partitions: heartbeats
  /// and small entries wait for no more than these.
  std::size_t parts_bytes_max = std::size_t{2} << 20;
};

/// What a node must have stored of a partition before it opens it for the first time as one of
/// these members. `head`: of the rows that a log without peers has made so far. A node that waits
/// to be added has nothing.
std::vector<row_change> first_rows(partition_id partition, const membership& members,
                                   const log_head& head);

/// Not thread-safe, but for the boards. `now_ms` never goes back.
class raft_driver {
public:
  raft_driver(const driver_options& options, row_store& rows, raft_network& network);

  /// Reads what is stored. Failures of kind `internal`: the log must not be used.
  result<void> open(std::uint64_t now_ms);

  void follow(log_follower* who) { follower_ = who; }
  void propose(proposal what, proposal_done done);
  result<void> receive(std::uint64_t now_ms, node_number from, std::string_view bytes);
  void trim(partition_id partition, std::uint64_t up_to_index);
  void want(std::vector<wanted_member> members) { wanted_ = std::move(members); }

  /// Works off what came in, in rounds, until nothing is left to do at this time, or one has
  /// written so much that the time is another: then deadline_ms() is over. Fails with code
  /// "storage_full": nothing was lost, and it must be called again before anything else.
  result<void> run(std::uint64_t now_ms);
  /// When run() has something to do although nothing comes in.
  std::uint64_t deadline_ms() const;
  void close(const failure& why);

  const partition_board& board(partition_id partition) const { return *boards_[number(partition)]; }
  const raft_partition& partition(partition_id one) const { return *partitions_[number(one)]; }
  std::size_t size() const noexcept { return partitions_.size(); }

private:
  result<void> tick(std::uint64_t now_ms);
  std::vector<wanted_member> wanted_of_control() const;
  result<bool> round(std::uint64_t now_ms);
  result<bool> submit(std::uint64_t now_ms);
  result<void> write();
  void send_messages(bool early);

  const driver_options options_;
  row_store& rows_;
  raft_network& network_;
  log_follower* follower_ = nullptr;
  std::vector<std::unique_ptr<partition_board>> boards_;
  std::vector<std::unique_ptr<raft_partition>> partitions_;
  std::vector<wanted_member> wanted_;
  std::map<partition_id, std::uint64_t> trims_;
  write_round writing_;
  bool busy_ = false;      ///< there may be more to do
  bool unwritten_ = false; ///< a full disk stopped a round before its write
  std::uint64_t members_at_ms_ = 0, rebalance_at_ms_ = 0;
  std::size_t first_ = 0; ///< whose large values go first
};

} // namespace troupe::raft

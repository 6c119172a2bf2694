// The log of one process: the product's driver, stepped by the simulation instead of a thread.
#pragma once

#include "persistence/consensus/raft_driver.hpp"
#include "tests/simulation/clock.hpp"
#include "tests/simulation/disk.hpp"
#include "tests/simulation/network.hpp"

#include <memory>
#include <utility>
#include <vector>

namespace troupe::test {

class node_log final : public replicated_log {
public:
  node_log(const raft::driver_options& how, sim_disk& disk, raft::raft_network& network,
           const sim_clock& clock);

  result<void> open() { return driver_.open(now()); }

  // As actors see it
  void propose(proposal what, proposal_done done) override;
  std::uint64_t applied(partition_id partition) const override;
  queue_size queued() const override;
  void trim_log(partition_id partition, std::uint64_t up_to_index) override;
  leadership leads(partition_id partition) const override;
  bool may_act(partition_id partition, std::uint64_t term) const override;
  void follow(log_follower* who) override;

  // As the simulation does
  void receive(std::uint64_t from, std::string bytes) { messages_.emplace_back(from, bytes); }
  void want(std::vector<raft::wanted_member> members) { driver_.want(std::move(members)); }
  bool has_work() const noexcept {
    return !messages_.empty() || !proposals_.empty() || !trims_.empty();
  }
  std::uint64_t deadline_ms() const { return driver_.deadline_ms(); }
  /// One round over all that gathered. A failure: the process has died, or the log is wrong.
  result<void> work();
  /// The process is gone: nobody is answered any more.
  void die() { dead_ = true; }
  /// Entries applied everywhere, and nothing under way.
  const raft::raft_driver& driver() const noexcept { return driver_; }

private:
  /// Never 0, which means "never" to the driver.
  std::uint64_t now() const { return 1'000 + clock_.elapsed_ms(); }

  sim_disk& disk_;
  const sim_clock& clock_;
  raft::raft_driver driver_;
  const std::size_t partitions_;
  std::vector<std::pair<std::uint64_t, std::string>> messages_;
  std::vector<std::pair<proposal, proposal_done>> proposals_;
  std::vector<std::pair<partition_id, std::uint64_t>> trims_;
  bool stuck_ = false; ///< on a full disk: nothing may go in before what is under way is written
  bool dead_ = false;
};

} // namespace troupe::test

// The log of a node with peers: the driver's thread, its clock, and what others ask of it.
#pragma once

#include "persistence/consensus/raft_driver.hpp"
#include "runtime/base/byte_budget.hpp"

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace troupe::raft {

struct raft_log_options {
  driver_options driver;
  byte_budget* budget = nullptr; ///< counts queued proposals; outlives the log; may be empty
  /// The log contradicts itself or cannot be read: the process must end. On the log's thread.
  std::function<void(const failure&)> fatal;
  /// Called on the log's thread before it takes what has gathered; may wait a bounded time.
  std::function<void()> before_round;
};

struct partition_status {
  partition_id partition{};
  leadership leads;
  membership members;
  log_index commit = 0, applied = 0, last = 0;
  std::vector<std::pair<node_number, log_index>> matches; ///< as its leader knows them
};

/// Thread-safe.
class raft_log final : public replicated_log {
public:
  /// Reads what is stored, then starts the thread. `rows` and `network` outlive it.
  static result<std::unique_ptr<raft_log>> open(raft_log_options options, row_store& rows,
                                                raft_network& network);
  /// Ends the thread; what waits is refused.
  ~raft_log() override;

  void propose(proposal what, proposal_done done) override;
  std::uint64_t applied(partition_id partition) const override;
  queue_size queued() const override;
  void trim_log(partition_id partition, std::uint64_t up_to_index) override;
  leadership leads(partition_id partition) const override;
  bool may_act(partition_id partition, std::uint64_t term) const override;
  void follow(log_follower* who) override;
  std::uint32_t feature_level() const override { return feature_level_.load(); }
  /// As the cluster has agreed on; 1 before.
  void set_feature_level(std::uint32_t level) { feature_level_ = level; }

  void receive(node_number from, std::string bytes);
  /// Who should be a member of every partition, and lead.
  void want(std::vector<wanted_member> members);
  /// At most a tenth of a second old.
  std::vector<partition_status> status() const;

private:
  struct input {
    std::vector<std::pair<proposal, proposal_done>> proposals;
    std::vector<std::pair<node_number, std::string>> messages;
    std::vector<std::pair<partition_id, std::uint64_t>> trims;
    std::optional<std::vector<wanted_member>> members;
    bool empty() const noexcept {
      return proposals.empty() && messages.empty() && trims.empty() && !members;
    }
  };

  raft_log(raft_log_options options, row_store& rows, raft_network& network);
  static std::uint64_t now_ms();
  template <class F> void enqueue(F add);
  void run();
  result<void> work(input what);
  void publish(std::uint64_t now_ms);
  void settle(std::size_t bytes);

  raft_log_options options_;
  row_store& rows_;
  raft_driver driver_;
  std::mutex driving_; ///< held while the driver works
  std::atomic<std::uint32_t> feature_level_{1};

  mutable std::mutex mutex_;
  std::condition_variable wake_;
  input input_;
  bool closing_ = false;
  queue_size waiting_;
  std::chrono::steady_clock::time_point waiting_since_{};
  std::vector<partition_status> status_;
  std::uint64_t published_ms_ = 0;
  std::thread thread_;
};

} // namespace troupe::raft

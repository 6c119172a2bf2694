// Several logs with peers without a thread, a clock or a disk: what can happen is chosen by a seed.
#pragma once

#include "persistence/consensus/raft_driver.hpp"
#include "runtime/base/prng.hpp"

#include <array>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe::test {

/// Rows that outlive a crash only if a durable write came after them.
class crash_disk final : public row_store {
public:
  result<std::optional<std::string>> get(table in, std::string_view key) const override;
  result<void> scan(table in, std::string_view from, std::string_view to, const row_visitor& each,
                    bool reverse) const override;
  result<void> write_batch(std::vector<row_change> rows, bool durable) override;
  std::unique_ptr<row_reader> pin() const override;
  bool refusing() const override { return full; }

  /// Of the writes that are not durable yet the first `kept` are there.
  void crash(std::size_t kept);
  std::size_t unsynced() const noexcept { return unsynced_.size(); }
  /// Rows of replicas, and the log's heads, as text.
  std::string state(std::uint16_t partitions) const;

  bool full = false;          ///< every write is refused
  std::size_t dies_after = 0; ///< so many more writes, and the process is dead; 0: never
  bool dead = false;
  std::size_t transfers = 0; ///< states that came as a whole

private:
  using tables = std::array<std::map<std::string, std::string, std::less<>>, table_count>;
  static void change(tables& to, const row_change& row);

  tables durable_, seen_;
  std::vector<std::vector<row_change>> unsynced_;
};

class log_cluster {
public:
  struct faults {
    unsigned crash = 3, cut = 5, trim = 20, full = 1; ///< in 1,000 steps
    unsigned lose = 5, repeat = 3, reorder = 10;      ///< of 100 messages
    bool grow = false; ///< begins with one node, and takes the others in
  };

  log_cluster(std::uint64_t seed, std::size_t nodes, faults how);

  void step();
  /// No more faults; everything runs until all agree.
  void heal();

  const std::string& broken() const noexcept { return broken_; }
  std::size_t acknowledged() const noexcept { return acknowledged_.size(); }
  std::size_t transfers() const;
  std::uint64_t now_ms() const noexcept { return now_; }
  std::uint64_t trace() const noexcept { return trace_; }

private:
  static constexpr std::uint16_t partitions = 2;
  struct packet {
    raft::node_number from = 0, to = 0;
    std::string bytes;
  };
  struct node final : raft::raft_network, log_follower {
    log_cluster* home = nullptr;
    raft::node_number number = 0;
    crash_disk disk;
    std::unique_ptr<raft::raft_driver> driver; ///< empty: the process is down
    std::array<std::uint64_t, partitions + 1> told{};

    void send(raft::node_number to, std::string bytes) override;
    void send_bulk(raft::node_number to, std::string bytes) override;
    void led(partition_id partition, const leadership& now) override;
    void applied(partition_id partition, std::uint64_t index,
                 const std::vector<std::string_view>& changed) override;
  };

  bool percent(unsigned n) { return random_.below(100) < n; }
  bool permille(unsigned n) { return random_.below(1'000) < n; }
  node& any() { return *nodes_[random_.below(nodes_.size())]; }
  void broke(const std::string& what);
  void start(node& at);
  void crash(node& at);
  void run(node& at);
  void deliver();
  void pass_time();
  void propose(node& at);
  void want_all();

  prng random_;
  faults how_;
  std::uint64_t now_ = 1'000;
  std::vector<std::unique_ptr<node>> nodes_;
  std::vector<packet> network_;
  std::set<std::pair<raft::node_number, raft::node_number>> cut_;
  std::map<std::pair<partition_id, std::uint64_t>, raft::node_number> leaders_; ///< of a term
  std::map<std::string, partition_id> acknowledged_;
  std::map<std::string, std::size_t> large_; ///< bytes of the long value that a proposal has
  std::uint64_t next_ = 0, trace_ = 0, incarnation_ = 0;
  std::size_t wanted_ = 0;
  std::string broken_;
};

} // namespace troupe::test

// A Raft group of several nodes without a thread, a clock or a disk: everything that can happen is
// chosen by a seed, and the promises of Raft are checked after every step.
#pragma once

#include "persistence/consensus/raft_group.hpp"
#include "runtime/base/prng.hpp"

#include <deque>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

namespace troupe::test {

/// What survives a crash.
struct disk {
  raft::ballot last_ballot;
  std::optional<raft::snapshot_mark> snapshot;
  raft::log_index first = 1;
  std::vector<raft::entry_ptr> entries;

  raft::entry_ptr at(raft::log_index index) const;
  void append(const raft::append& what);
  void install(const raft::snapshot_mark& mark);
  void drop_before(raft::log_index index);
};

class cluster {
public:
  struct faults {
    unsigned crash = 2, cut = 2, lose = 10, repeat = 5, reorder = 10, change = 3, snapshot = 10;
    unsigned stop = 2; ///< a process stands still for a while, as under SIGSTOP
  };

  /// Nodes 1…`voters` are members; the others, up to `nodes`, wait to be added.
  cluster(std::uint64_t seed, std::size_t nodes, std::size_t voters, faults how);

  /// Lets something happen, and checks.
  void step();
  /// No more faults; everything runs until all members agree. Returns the time that it took, in ms.
  std::uint64_t heal();

  std::uint64_t now_ms() const noexcept { return now_; }
  std::size_t committed() const noexcept { return committed_.size(); }
  std::size_t acknowledged() const noexcept { return acknowledged_; }
  /// After how many steps a node with others had a lease.
  std::size_t leased() const noexcept { return leased_; }
  /// What went wrong; empty: nothing.
  const std::string& broken() const noexcept { return broken_; }
  /// The same for the same seed.
  std::uint64_t trace() const noexcept { return trace_; }

private:
  struct write {
    std::vector<raft::append> appends;
    std::optional<raft::ballot> new_ballot;
    std::optional<raft::snapshot_mark> install;
    std::vector<raft::message> after; ///< leave when it is durable
  };
  struct node {
    raft::node_number number = 0;
    disk durable;
    std::unique_ptr<raft::group> group; ///< empty: the process is down
    std::deque<write> writing;
    raft::log_index checked = 0; ///< commits up to here were compared
    std::uint64_t stopped_until = 0;
  };
  bool runs(const node& at) const { return at.group && now_ >= at.stopped_until; }

  bool one_in(std::uint64_t n) { return random_.below(n) == 0; }
  bool percent(unsigned n) { return random_.below(100) < n; }
  node* any(bool up);
  std::vector<std::size_t> arriving() const;
  node* leader();
  void note(std::uint64_t what);
  void broke(const std::string& what);
  void did(node& at, const result<void>& how);

  void start(node& at);
  void crash(node& at);
  void take(node& from);
  void finish_write(node& at);
  void deliver();
  void post(raft::message what);
  void pass_time();
  void submit();
  void change_members();
  void snapshot(node& at);
  void check_node(node& at);

  prng random_;
  faults how_;
  std::uint64_t now_ = 1'000;
  std::vector<node> nodes_;
  std::vector<raft::message> network_;
  std::set<std::pair<raft::node_number, raft::node_number>> cut_; ///< from, to
  std::map<raft::term_number, raft::node_number> leaders_;
  std::vector<raft::entry_ptr> committed_; ///< index 1 first
  std::map<std::string, raft::log_index> submitted_;
  std::size_t acknowledged_ = 0, leased_ = 0;
  std::uint64_t next_text_ = 0, trace_ = 0;
  std::string broken_;
};

} // namespace troupe::test

// A whole cluster in one thread: what happens next is chosen by a seed.
#pragma once

#include "tests/simulation/clients.hpp"
#include "tests/simulation/process.hpp"

#include <array>
#include <memory>
#include <string>
#include <vector>

namespace troupe::test {

class cluster_simulation {
public:
  cluster_simulation(std::uint64_t seed, const fault_mix& mix);
  ~cluster_simulation();

  void step();
  /// No more faults: everything must come to its end, and be the same on all nodes.
  void heal();

  const stage& on() const noexcept { return stage_; }
  const std::string& broken() const noexcept { return stage_.broken(); }
  /// Of runs that have not ended, or that the broken promise names, as stored.
  std::string histories() const;

private:
  static constexpr std::size_t size = 3;
  struct node final : raft::raft_network {
    cluster_simulation* home = nullptr;
    std::uint64_t number = 0;
    sim_disk disk;
    sim_clock clock;
    std::unique_ptr<process> runs; ///< empty: it is down
    std::uint64_t frozen_until = 0;
    bool drained = false;

    void send(raft::node_number to, std::string bytes) override;
    void send_bulk(raft::node_number to, std::string bytes) override { send(to, std::move(bytes)); }
    bool awake() const { return runs && frozen_until <= home->stage_.now(); }
  };

  node& any() { return *nodes_[stage_.random.below(size)]; }
  process* any_process();
  void boot(node& at);
  void crash(node& at);
  void want_members();
  void watch_leaders(node& at);
  void work(node& at);
  void pass_time(bool idle);
  void suffer();
  void suffer_a_clock(node& at);
  bool all_done() const;
  std::string what_is_left() const;
  std::string logs() const;
  void compare();

  stage stage_;
  sim_network network_;
  checks checks_;
  endpoint_book book_;
  std::vector<std::unique_ptr<node>> nodes_;
  clients clients_;
  engine_settings settings_;
  std::uint64_t incarnations_ = 0;
  std::uint64_t act_at_ = 0, pause_ms_ = 0; ///< between two things that clients do
  bool healing_ = false;
};

} // namespace troupe::test

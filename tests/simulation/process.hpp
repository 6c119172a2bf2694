// One process of a node: the product's actors on CAF's test scheduler, over a simulated disk, log,
// link, clock and HTTP client. Put together as node_engine does it, without what has threads of
// its own: the lists, subscriptions, the gateway.
#pragma once

#include "actors/control/control_actor.hpp"
#include "actors/control/directory.hpp"
#include "actors/engine/leaders.hpp"
#include "actors/engine/start_places.hpp"
#include "actors/peers/peer_services.hpp"
#include "actors/skills/http_provider.hpp"
#include "actors/skills/workers_actor.hpp"
#include "tests/simulation/checks.hpp"
#include "tests/simulation/endpoint.hpp"
#include "tests/simulation/link.hpp"
#include "tests/simulation/no_views.hpp"
#include "tests/simulation/node_log.hpp"

#include <caf/actor_system_config.hpp>
#include <caf/scheduler/test_coordinator.hpp>

#include <deque>
#include <memory>
#include <string>

namespace troupe::test {

struct process_needs {
  stage& on;
  sim_network& network;
  sim_disk& disk;
  sim_clock& clock;
  checks& watch;
  endpoint_book& book;
  engine_settings settings;
  std::uint64_t node = 0;
  std::uint64_t incarnation = 0; ///< of all processes of the cluster
  raft::raft_network& log_network;
  sim_link::finder find;
};

class process {
public:
  explicit process(process_needs needs);
  /// As SIGKILL: nothing is said to anybody.
  ~process();

  // What the gateway asks of the engine
  void start(start_request what, reply<started_run> answer);
  void command(const run_id& run, commands::any what, reply<done_at> answer);
  void save_workflow(std::string id, json::value definition, reply<workflow_ptr> answer);

  node_log& log() noexcept { return *log_; }
  const std::shared_ptr<sim_link>& link() const noexcept { return link_; }

  /// The clock was moved: timers that are due send their messages.
  void time_passed();
  /// When something is due that nothing else brings, as elapsed time of the node's clock.
  std::uint64_t deadline_ms() const;
  bool has_work() const;
  /// One thing: a message of an actor, a round of the log, a workflow that others wrote.
  void work();
  /// What must be zero: exceptions in actors, runs that hang.
  std::uint64_t crashes() const { return shared_->metrics.crashes.value(); }
  std::uint64_t stuck() const { return shared_->metrics.stuck.value(); }

private:
  struct system_config final : caf::actor_system_config {
    system_config();
  };
  class skills;

  void open();
  void spawn_all();
  void run_a_job();
  void refresh();
  caf::scheduler::test_coordinator& scheduler() const;
  result<std::uint16_t> home_for(const start_request& what);
  std::string new_id();

  process_needs needs_;
  prng random_;
  std::unique_ptr<node_log> log_; ///< ends before the actors: it holds some
  std::shared_ptr<sim_link> link_;
  std::shared_ptr<sim_http> client_;
  no_views lists_;
  const catalog types_;
  skill_directory worker_skills_;
  std::shared_ptr<directory> workflows_;
  std::shared_ptr<http_provider> http_;
  std::shared_ptr<engine_shared> shared_;
  std::shared_ptr<start_places> places_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  control_actor control_;
  workers_actor workers_;
  std::unique_ptr<leaders> leaders_;
  std::unique_ptr<peer_services> services_;
  std::deque<std::string> to_refresh_; ///< documents of control that others wrote; empty: all
  std::uint64_t elapsed_ms_;           ///< as the actors' timers know it
};

} // namespace troupe::test

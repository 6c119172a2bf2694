// The engine's composition and its state. Private to this folder.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/control/control_actor.hpp"
#include "actors/engine/engine.hpp"
#include "actors/engine/following.hpp"
#include "actors/engine/leaders.hpp"
#include "actors/engine/start_places.hpp"
#include "actors/engine/views_feeder.hpp"
#include "actors/limits/limiter_actor.hpp"
#include "actors/partition/partition_actor.hpp"
#include "actors/peers/peer_services.hpp"
#include "actors/run/run_actor.hpp"
#include "actors/skills/http_provider.hpp"
#include "actors/skills/workers_actor.hpp"
#include "actors/step/step_actor.hpp"

#include <caf/actor_system.hpp>
#include <caf/actor_system_config.hpp>

#include <atomic>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe {

class node_engine final : public engine {
public:
  explicit node_engine(engine_deps deps);
  ~node_engine() override;

  result<void> start() override;
  void stop(milliseconds grace) override;

  void start(start_request what, reply<started_run> answer) override;
  void command(const run_id& run, commands::any what, reply<done_at> answer) override;
  void read(const run_id& run, reply<execution_text> answer) override;
  std::optional<std::uint64_t> speaks_for(const run_id& run) const override;
  position shown(const run_id& run) const override;
  void events(const run_id& run, sequence_number after, std::uint32_t limit,
              reply<event_page> answer) override;
  void report(const run_id& run, std::string what, reply<json::value> answer) override;
  void replay(const run_id& run, bool redecide, reply<json::value> answer) override;
  void purge(std::vector<run_id> runs, reply<done_at> answer) override;
  std::shared_ptr<void> subscribe(const run_id& run, sequence_number since,
                                  std::shared_ptr<subscriber> who) override;
  std::shared_ptr<void> subscribe_workflow(std::string workflow_id,
                                           std::shared_ptr<subscriber> who) override;

  workflow_ptr workflow(std::string_view id, std::uint32_t version) const override;
  std::vector<std::uint32_t> workflow_versions(std::string_view id) const override;
  compiled check(const json::value& definition) const override;
  void save_workflow(std::string id, json::value definition, bool draft,
                     std::optional<std::uint32_t> if_version, reply<workflow_ptr> answer) override;
  void activate_workflow(std::string id, std::uint32_t version,
                         reply<workflow_ptr> answer) override;
  void delete_workflow(std::string id, reply<done_at> answer) override;
  std::optional<document> read_document(std::string_view collection,
                                        std::string_view id) const override;
  void write_document(document_write what, reply<done_at> answer) override;

  json::value skills() const override;
  const catalog& node_types() const override { return types_; }
  void register_worker(json::value body, reply<worker_info> answer) override;
  void unregister_worker(std::string id, reply<done_at> answer) override;
  json::value workers() const override;
  void poll_tasks(std::string worker_id, json::value body, reply<json::value> answer) override;
  void task_message(std::string worker_id, std::string task_id, std::string verb, json::value body,
                    reply<json::value> answer) override;
  void task_results(std::string worker_id, json::value body, reply<json::value> answer) override;

  void query(view_query what, std::vector<position> at_least, reply<view_page> answer) override;
  json::value status() const override;
  json::value service_health(std::string_view name) const override;
  bool ready() const override;
  bool writable() const override { return !deps_.log.queued().refusing; }
  std::string metrics() const override;
  instant now() const override { return deps_.clock.now(); }
  result<json::value> fault(const json::value& body) override;
  result<json::value> move_clock(const json::value& body) override;
  void snapshot(std::string directory, reply<json::value> answer) override;

private:
  void wait_for_steps(milliseconds grace) const;
  json::value partitions_health(std::string_view service) const;
  json::value store_health() const;
  json::value notification_health() const;
  json::object services() const;
  result<json::value> stop_service(std::string_view service, bool on);
  void probe_services();
  void end_probes();
  void tell_others(const run_id& run, std::string_view kind, std::string_view json);
  struct system_config final : caf::actor_system_config {
    explicit system_config(const engine_settings& settings);
  };

  void spawn_all();
  std::vector<worker_skill> stored_skills() const;
  void skills_changed(const std::map<std::string, worker_skill, std::less<>>& skills);
  /// Fails with "not_leader" where another node leads the run's partition.
  result<partition_actor> home_of(const run_id& run) const;
  result<std::uint16_t> home_for(const start_request& what) const;
  /// `answer`, once it is sure that nobody else led the partition when it was made; else it is
  /// refused with "not_leader". `needs`: whether a result must be sure.
  template <class T, class Needs>
  reply<T> confirmed(partition_id partition, reply<T> answer, Needs needs) const;
  template <class T> reply<T> confirmed(const run_id& run, reply<T> answer) const;
  std::shared_ptr<void> take_place(std::uint16_t partition, std::shared_ptr<void> held);
  std::uint64_t random() const;
  std::string new_id() const;

  /// Hears of entries before there are actors.
  struct listener final : log_follower {
    explicit listener(node_engine& at) : home(at) {}
    void led(partition_id, const leadership&) override {}
    void applied(partition_id partition, std::uint64_t index,
                 const std::vector<std::string_view>& changed) override;
    node_engine& home;
  };

  engine_deps deps_;
  listener listening_{*this};
  const catalog types_;
  skill_directory worker_skills_;
  std::shared_ptr<directory> workflows_;
  std::shared_ptr<http_provider> http_;
  std::shared_ptr<gated_views> lists_;
  std::unique_ptr<following> follow_; ///< only in a cluster
  std::shared_ptr<engine_shared> shared_;
  std::unique_ptr<views_feeder> feeder_;
  std::unique_ptr<system_config> config_;
  std::unique_ptr<caf::actor_system> system_;
  control_actor control_;
  std::unique_ptr<leaders> leaders_;
  std::unique_ptr<peer_services> services_; ///< only in a cluster
  workers_actor workers_;
  std::shared_ptr<start_places> starts_queued_;
  std::atomic<bool> stopping_{false}, stopped_{false};
  service_board::clock::time_point started_{service_board::clock::now()};
  std::mutex probe_mutex_;
  std::condition_variable probe_wake_;
  std::thread prober_; ///< asks the partitions whether they are at work
  std::atomic<std::uint64_t> next_ticket_{1};
};

/// What every port answers once stopping began.
failure stopping();

} // namespace troupe

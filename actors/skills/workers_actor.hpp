// The actor that owns the worker table, and its face as a skill provider.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/skills/worker_table.hpp"

#include <caf/actor_system.hpp>

#include <mutex>

namespace troupe {

/// What everybody may read of workers and skills. Thread-safe; the workers' actor writes.
class skill_directory {
public:
  bool knows(std::string_view skill) const;
  json::value workers() const;
  json::array skills() const; ///< {skill_type, description, parameters_schema, effect, workers}
  void publish(const worker_table& table, milliseconds now);
  std::pair<std::size_t, std::size_t> tasks() const; ///< queued, leased
  std::optional<milliseconds> oldest_queued() const; ///< since when; elapsed time

private:
  mutable std::mutex mutex_;
  std::map<std::string, worker_skill, std::less<>> skills_;
  json::value workers_ = json::array{};
  std::pair<std::size_t, std::size_t> tasks_;
  std::optional<milliseconds> oldest_queued_;
};

struct workers_deps {
  const engine_clock& clock;
  skill_directory& directory;
  worker_limits limits;
  std::function<std::string()> new_id;
  std::vector<worker_skill> remembered; ///< registered before this process started
  /// Called when skills came or went, before anybody is told.
  std::function<void(const std::map<std::string, worker_skill, std::less<>>&)> skills_changed;
  /// In a cluster, all three: workers are known where control is led, and nowhere else.
  node_link* link = nullptr;
  const replicated_log* log = nullptr;
  std::function<std::vector<worker_skill>()> stored_skills = {}; ///< read when control comes here
};

workers_actor spawn_workers_actor(caf::actor_system& system, workers_deps deps);

/// Tasks of skills that external workers have.
class worker_provider final : public skill_provider {
public:
  explicit worker_provider(workers_actor actor) : actor_(std::move(actor)) {}
  std::shared_ptr<skill_call> start(skill_task what, skill_done done, skill_live live) override;

private:
  workers_actor actor_;
  std::atomic<std::uint64_t> next_{1};
};

} // namespace troupe

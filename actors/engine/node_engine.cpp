// Start and stop: who is made in which order, and that everybody ends.
#include "actors/engine/node_engine.hpp"

#include "actors/base/instant_skills.hpp"
#include "actors/base/loading.hpp"
#include "runtime/base/log.hpp"

#include <caf/all.hpp>

#include <condition_variable>
#include <cstdlib>
#include <random>
#include <thread>

namespace troupe {

namespace {

constexpr std::chrono::seconds teardown_max{20};
constexpr milliseconds live_answer_max{2'000};

/// Which provider has a skill.
class skill_router final : public skill_provider {
public:
  skill_router(std::shared_ptr<skill_provider> http, std::shared_ptr<skill_provider> workers)
      : http_(std::move(http)), workers_(std::move(workers)) {}

  std::shared_ptr<skill_call> start(skill_task what, skill_done done, skill_live live) override {
    if (what.skill == "http_request")
      return http_->start(std::move(what), std::move(done), std::move(live));
    if (is_instant_skill(what.skill)) {
      done(run_instant_skill(what.skill, what.parameters));
      return nullptr;
    }
    return workers_->start(std::move(what), std::move(done), std::move(live));
  }

private:
  std::shared_ptr<skill_provider> http_, workers_;
};

/// Ends the process when taking the actors down takes for ever: what is durable is safe.
class teardown_watchdog {
public:
  teardown_watchdog()
      : thread_([this] {
          std::unique_lock lock(mutex_);
          if (!done_signal_.wait_for(lock, teardown_max, [this] { return done_; })) {
            log::write(log::level::critical, "engine", "actors did not end in time");
            std::_Exit(70);
          }
        }) {}
  ~teardown_watchdog() {
    {
      const std::lock_guard lock(mutex_);
      done_ = true;
    }
    done_signal_.notify_all();
    thread_.join();
  }

private:
  std::mutex mutex_;
  std::condition_variable done_signal_;
  bool done_ = false;
  std::thread thread_;
};

} // namespace

node_engine::system_config::system_config(const engine_settings& settings) {
  const auto cores = std::max(1u, std::thread::hardware_concurrency());
  set("scheduler.max-threads",
      static_cast<std::uint64_t>(settings.threads ? settings.threads : cores));
  set("scheduler.max-throughput", static_cast<std::uint64_t>(100));
  set("scheduler.policy", caf::atom_from_string(settings.scheduling));
}

node_engine::node_engine(engine_deps deps) : deps_(std::move(deps)) {
  const auto& settings = deps_.settings;
  workflows_ = std::make_shared<directory>(
      deps_.rows, compile_context{types_, settings.limits, settings.default_retry,
                                  [this](std::string_view skill) {
                                    return skill == "http_request" || is_instant_skill(skill) ||
                                           worker_skills_.knows(skill) ||
                                           (deps_.link && workflows_->knows_skill(skill));
                                  }});
  http_ = std::make_shared<http_provider>(
      deps_.http, deps_.clock,
      http_limits{settings.attempts_running_max, settings.attempts_per_host_max, deps_.budget});
  lists_ = std::make_shared<gated_views>(deps_.lists);
  if (deps_.link)
    follow_ = std::make_unique<following>(deps_.log, lists_, settings.partitions);
  auto& log = follow_ ? follow_->log() : deps_.log;
  const auto lists = follow_ ? std::shared_ptr<views>(follow_->lists()) : lists_;
  shared_ = std::make_shared<engine_shared>(
      engine_ports{deps_.rows, log, *lists, deps_.clock, deps_.budget, deps_.spans, deps_.loading},
      settings, types_);
  shared_->gate = lists;
  shared_->link = deps_.link;
  shared_->workflows = workflows_;
  if (follow_)
    shared_->tell_live = [this](const run_id& run, std::string_view kind,
                                const std::shared_ptr<const std::string>& json) {
      follow_->subscriptions().live(run, kind, json);
      tell_others(run, kind, *json);
    };
  feeder_ = std::make_unique<views_feeder>(shared_, *lists_, deps_.lists);
  starts_queued_ =
      std::make_shared<start_places>(settings.partitions + 1u, settings.starts_queued_max);
}

/// Who follows a run is anywhere. What is lost on the way is not told again: it is no event.
void node_engine::tell_others(const run_id& run, std::string_view kind, std::string_view json) {
  if (!deps_.link || kind == "user_input_required") // others know that from the log
    return;
  for (const auto node : deps_.link->others())
    deps_.link->ask(node, link_topic::live, encode_live(run, kind, json), live_answer_max,
                    [](const result<std::string>&) {});
}

node_engine::~node_engine() {
  stop(milliseconds(0));
}

/// Registered by workers, whether or not one is connected now.
std::vector<worker_skill> node_engine::stored_skills() const {
  std::vector<worker_skill> remembered;
  for (const auto& each : workflows_->all_of(skills_collection)) {
    worker_skill known{each.id, std::string(json::text_or(each.body, "description", "")),
                       std::string(json::text_or(each.body, "effect", "io")), nullptr, 0};
    if (const auto* schema = json::find(each.body, "parameters_schema"))
      known.parameters_schema = *schema;
    remembered.push_back(std::move(known));
  }
  return remembered;
}

void node_engine::spawn_all() {
  config_ = std::make_unique<system_config>(deps_.settings);
  system_ = std::make_unique<caf::actor_system>(*config_);
  auto& system = *system_;
  auto& shared = *shared_;
  shared.spawn_run = [&system, &shared](const run_spawn& what) {
    return spawn_run_actor(system, shared, what);
  };
  shared.spawn_step = [&system, &shared](const run_actor& run) {
    return spawn_step_actor(system, shared, run);
  };
  worker_limits limits;
  limits.heartbeat = deps_.settings.worker_heartbeat;
  limits.queue_max = deps_.settings.worker_queue_max;
  limits.budget = deps_.budget;
  workers_ = spawn_workers_actor(
      system, workers_deps{deps_.clock, worker_skills_, limits, [this] { return new_id(); },
                           stored_skills(), [this](const auto& skills) { skills_changed(skills); },
                           deps_.link, deps_.link ? &deps_.log : nullptr,
                           [this] { return stored_skills(); }});
  shared.skills =
      std::make_shared<skill_router>(http_, std::make_shared<worker_provider>(workers_));
  shared.limiter = spawn_limiter_actor(system, shared);
  control_ =
      spawn_control_actor(system, control_deps{shared, *workflows_, [this] { return new_id(); }});
  shared.partitions.resize(deps_.settings.partitions + 1u);
  for (std::uint16_t p = 1; p <= deps_.settings.partitions; ++p)
    shared.partitions[p] = spawn_partition_actor(system, shared, partition_id{p});
}

result<void> node_engine::start() {
  log_loading_deaths(*shared_);
  if (follow_)
    deps_.log.follow(&listening_); // no entry may fall between what is read and what is told
  if (auto opened = workflows_->open(); !opened)
    return opened;
  if (auto shown = feeder_->prepare(); !shown)
    return shown;
  if (follow_)
    follow_->start(shared_, workflows_, deps_.control_changed);
  feeder_->run();
  spawn_all();
  leaders_ = std::make_unique<leaders>(*shared_, control_,
                                       [this](partition_id partition, std::uint64_t index,
                                              const std::vector<std::string_view>& changed) {
                                         if (follow_)
                                           follow_->applied(partition, index, changed);
                                       });
  if (deps_.link)
    services_ = std::make_unique<peer_services>(
        *deps_.link, *shared_, workers_, [this](const live_word& said) {
          if (follow_)
            follow_->subscriptions().live(said.run, said.kind, said.json);
        });
  leaders_->begin();
  prober_ = std::thread([this] { probe_services(); });
  return {};
}

void node_engine::listener::applied(partition_id partition, std::uint64_t index,
                                    const std::vector<std::string_view>& changed) {
  home.follow_->applied(partition, index, changed);
}

/// Until no step runs, or `grace` is over. Between two steps of a run none is live for a moment: a
/// node that stopped then would cut the second one off, so it has to stay quiet for a while.
void node_engine::wait_for_steps(milliseconds grace) const {
  constexpr milliseconds quiet_for{100};
  using clock = std::chrono::steady_clock;
  const auto until = clock::now() + grace;
  auto quiet_at = clock::now();
  for (auto now = quiet_at; now < until; now = clock::now()) {
    if (shared_->metrics.steps_live.value() > 0)
      quiet_at = now + quiet_for;
    else if (now >= quiet_at)
      return;
    std::this_thread::sleep_for(milliseconds(5));
  }
}

void node_engine::stop(milliseconds grace) {
  if (stopped_.exchange(true))
    return;
  stopping_ = true;
  end_probes();
  feeder_->stop();
  services_.reset();
  if (leaders_)
    leaders_->end();
  deps_.log.follow(nullptr);
  if (!system_)
    return;
  wait_for_steps(grace);
  {
    const teardown_watchdog watchdog;
    for (std::uint16_t p = 1; p <= deps_.settings.partitions; ++p)
      caf::anon_send(shared_->partitions[p], close_partition{});
    http_->abort_all();
    caf::anon_send_exit(control_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(workers_, caf::exit_reason::user_shutdown);
    caf::anon_send_exit(shared_->limiter, caf::exit_reason::user_shutdown);
    system_->await_all_actors_done();
    leaders_.reset();
    if (follow_)
      follow_->stop();
    control_ = control_actor();
    workers_ = workers_actor();
    shared_->limiter = limiter_actor();
    shared_->partitions.assign(shared_->partitions.size(), partition_actor());
    shared_->skills.reset();
    system_.reset();
  }
}

std::uint64_t node_engine::random() const {
  static thread_local std::mt19937_64 numbers{[] {
    std::random_device device;
    return (std::uint64_t{device()} << 32) | device();
  }()};
  return numbers();
}

std::string node_engine::new_id() const {
  const auto a = random();
  return to_text(make_uuid(deps_.clock.now(), static_cast<std::uint16_t>(a & 0xfff), random()));
}

std::unique_ptr<engine> make_engine(engine_deps deps) {
  return std::make_unique<node_engine>(std::move(deps));
}

} // namespace troupe

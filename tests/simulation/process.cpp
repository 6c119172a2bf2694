#include "tests/simulation/process.hpp"

#include "actors/base/instant_skills.hpp"
#include "actors/limits/limiter_actor.hpp"
#include "actors/partition/partition_actor.hpp"
#include "actors/replica/changed_names.hpp"
#include "actors/run/run_actor.hpp"
#include "actors/step/step_actor.hpp"
#include "persistence/store/refusals.hpp"
#include "runtime/base/hash.hpp"

#include <caf/all.hpp>

namespace troupe::test {

namespace {

raft::driver_options log_options(const process_needs& needs, std::uint32_t seed) {
  raft::driver_options out;
  out.self = needs.node;
  out.partitions = needs.settings.partitions;
  out.seed = seed;
  return out;
}

} // namespace

/// Tells the checks of every attempt before it begins.
class process::skills final : public skill_provider {
public:
  skills(checks& watch, const node_log& log, std::uint64_t node,
         std::shared_ptr<skill_provider> http)
      : watch_(watch), log_(log), node_(node), http_(std::move(http)) {}

  std::shared_ptr<skill_call> start(skill_task what, skill_done done, skill_live live) override {
    watch_.started(node_, log_.leads(partition_of(what.run)).term, what);
    return http_->start(std::move(what), std::move(done), std::move(live));
  }

private:
  checks& watch_;
  const node_log& log_;
  const std::uint64_t node_;
  const std::shared_ptr<skill_provider> http_;
};

process::system_config::system_config() {
  set("scheduler.policy", caf::atom("testing"));
  set("scheduler.max-throughput", static_cast<std::uint64_t>(1));
}

process::process(process_needs needs)
    : needs_(std::move(needs)), random_(needs_.on.random.next()),
      log_(std::make_unique<node_log>(
          log_options(needs_, static_cast<std::uint32_t>(random_.next())), needs_.disk,
          needs_.log_network, needs_.clock)),
      link_(std::make_shared<sim_link>(needs_.on, needs_.network, needs_.node,
                                       needs_.incarnation << 32, needs_.find)),
      client_(std::make_shared<sim_http>(needs_.on, needs_.book)),
      elapsed_ms_(needs_.clock.elapsed_ms()) {
  const auto& settings = needs_.settings;
  workflows_ = std::make_shared<directory>(
      needs_.disk,
      compile_context{types_, settings.limits, settings.default_retry, [](std::string_view skill) {
                        return skill == "http_request" || is_instant_skill(skill);
                      }});
  http_ = std::make_shared<http_provider>(*client_, needs_.clock, http_limits{});
  shared_ = std::make_shared<engine_shared>(
      engine_ports{needs_.disk, *log_, lists_, needs_.clock, nullptr, nullptr, nullptr}, settings,
      types_);
  shared_->link = link_.get();
  shared_->workflows = workflows_;
  places_ = std::make_shared<start_places>(settings.partitions + 1u, settings.starts_queued_max);
  open();
}

void process::open() {
  if (auto opened = log_->open(); !opened)
    return needs_.on.broke("a log does not open: " + opened.error().message);
  if (auto read = workflows_->open(); !read)
    return needs_.on.broke("the workflows cannot be read: " + read.error().message);
  spawn_all();
  leaders_ = std::make_unique<leaders>(
      *shared_, control_,
      [this](partition_id partition, std::uint64_t, const std::vector<std::string_view>& changed) {
        if (number(partition) != 0)
          return;
        if (changed.empty())
          to_refresh_.emplace_back();
        for (const auto names : changed)
          each_name(names, [&](std::string_view name) { to_refresh_.emplace_back(name); });
      });
  services_ = std::make_unique<peer_services>(*link_, *shared_, workers_, [](const live_word&) {});
  leaders_->begin();
}

void process::spawn_all() {
  config_ = std::make_unique<system_config>();
  system_ = std::make_unique<caf::actor_system>(*config_);
  system_->await_actors_before_shutdown(false);
  auto& system = *system_;
  auto& shared = *shared_;
  shared.spawn_run = [&system, &shared](const run_spawn& what) {
    return spawn_run_actor(system, shared, what);
  };
  shared.spawn_step = [&system, &shared](const run_actor& run) {
    return spawn_step_actor(system, shared, run);
  };
  shared.skills = std::make_shared<skills>(needs_.watch, *log_, needs_.node, http_);
  workers_ = spawn_workers_actor(system, workers_deps{needs_.clock,
                                                      worker_skills_,
                                                      {},
                                                      [this] { return new_id(); },
                                                      {},
                                                      [](const auto&) {},
                                                      link_.get(),
                                                      log_.get(),
                                                      [] { return std::vector<worker_skill>(); }});
  shared.limiter = spawn_limiter_actor(system, shared);
  control_ =
      spawn_control_actor(system, control_deps{shared, *workflows_, [this] { return new_id(); }});
  shared.partitions.resize(needs_.settings.partitions + 1u);
  for (std::uint16_t p = 1; p <= needs_.settings.partitions; ++p)
    shared.partitions[p] = spawn_partition_actor(system, shared, partition_id{p});
}

/// Nothing that actors do from here on leaves the process; they only have to end.
process::~process() {
  log_->die();
  log_->follow(nullptr);
  link_->die();
  client_->die();
  services_.reset();
  if (!system_)
    return;
  for (std::uint16_t p = 1; p <= needs_.settings.partitions; ++p)
    caf::anon_send(shared_->partitions[p], close_partition{});
  for (const auto& each :
       {caf::actor_cast<caf::actor>(control_), caf::actor_cast<caf::actor>(workers_),
        caf::actor_cast<caf::actor>(shared_->limiter)})
    caf::anon_send_exit(each, caf::exit_reason::user_shutdown);
  for (int i = 0; i < 100 && system_->registry().running() > 0; ++i) {
    while (scheduler().try_run_once()) {
    }
    scheduler().trigger_timeouts();
  }
  if (system_->registry().running() > 0)
    needs_.on.broke("actors of a dead process do not end: " +
                    std::to_string(system_->registry().running()));
  log_.reset();
  leaders_.reset();
  control_ = control_actor();
  workers_ = workers_actor();
  shared_->limiter = limiter_actor();
  shared_->partitions.clear();
  shared_->skills.reset();
  shared_->spawn_run = nullptr;
  shared_->spawn_step = nullptr;
}

caf::scheduler::test_coordinator& process::scheduler() const {
  return static_cast<caf::scheduler::test_coordinator&>(system_->scheduler());
}

void process::time_passed() {
  const auto now = needs_.clock.elapsed_ms();
  scheduler().advance_time(std::chrono::milliseconds(now - elapsed_ms_));
  elapsed_ms_ = now;
}

std::uint64_t process::deadline_ms() const {
  const auto log_at = log_->deadline_ms();
  auto at = log_at > 1'000 ? log_at - 1'000 : 0;
  auto& clock = scheduler().clock();
  if (clock.has_pending_timeout()) {
    const auto left = clock.schedule().begin()->first - clock.now();
    const auto ms = std::chrono::duration_cast<std::chrono::milliseconds>(
        left + std::chrono::microseconds(999));
    at = std::min(at, elapsed_ms_ + static_cast<std::uint64_t>(std::max<std::int64_t>(
                                        0, static_cast<std::int64_t>(ms.count()))));
  }
  return at;
}

bool process::has_work() const {
  return scheduler().has_job() || log_->has_work() || !to_refresh_.empty() ||
         log_->deadline_ms() <= 1'000 + elapsed_ms_;
}

void process::work() {
  const bool log = log_->has_work() || log_->deadline_ms() <= 1'000 + elapsed_ms_;
  const auto pick = needs_.on.random.below(10);
  if (!to_refresh_.empty() && pick == 0)
    return refresh();
  if (log && (pick < 3 || !scheduler().has_job())) {
    const auto done = log_->work();
    if (!done && done.error().code != "dead")
      needs_.on.broke("a log fails: " + done.error().message);
    return;
  }
  if (scheduler().has_job())
    run_a_job();
  else if (!to_refresh_.empty())
    refresh();
}

/// Of an actor that has messages, the first.
void process::run_a_job() {
  auto& jobs = scheduler().jobs;
  const auto at = jobs.begin() + static_cast<std::ptrdiff_t>(needs_.on.random.below(jobs.size()));
  std::rotate(jobs.begin(), at, at + 1);
  needs_.on.trace(jobs.size());
  scheduler().run_once();
}

/// As actors/engine/following does it, some time after the entry.
void process::refresh() {
  const auto name = std::move(to_refresh_.front());
  to_refresh_.pop_front();
  if (name.empty())
    (void)workflows_->open().has_value();
  else if (const auto slash = name.find('/'); slash != std::string::npos)
    workflows_->refresh(std::string_view(name).substr(0, slash),
                        std::string_view(name).substr(slash + 1));
}

std::string process::new_id() {
  const auto a = random_.next();
  return troupe::to_text(
      make_uuid(needs_.clock.now(), static_cast<std::uint16_t>(a & 0xfff), random_.next()));
}

result<std::uint16_t> process::home_for(const start_request& what) {
  const bool free = what.idempotency_key.empty();
  const auto chosen =
      free ? random_.next()
           : hash64(what.user + '\0' + what.workflow_id + '\0' + what.idempotency_key);
  const auto p = static_cast<std::uint16_t>(1 + chosen % needs_.settings.partitions);
  const auto now = log_->leads(partition_id{p});
  return now.here ? result<std::uint16_t>(p) : result<std::uint16_t>(not_leader(now));
}

void process::start(start_request what, reply<started_run> answer) {
  auto entry = workflows_->find(what.workflow_id, what.version);
  if (!entry)
    return answer(
        failure{failure_kind::not_found, "workflow_not_found", "no such workflow", {}, {}});
  const auto home = home_for(what);
  if (!home)
    return answer(home.error());
  start_run m;
  m.place = places_->take(*home, needs_.clock.elapsed(), nullptr);
  if (!m.place)
    return answer(failure{failure_kind::exhausted, "overloaded", "too many starts", {}, {}});
  m.run = make_run_id(needs_.clock.now(), partition_id{*home}, random_.next());
  m.what = std::move(what);
  m.workflow = std::move(entry);
  m.answer = promise<started_run>(std::move(answer));
  caf::anon_send(shared_->partitions[*home], std::move(m));
}

void process::command(const run_id& run, commands::any what, reply<done_at> answer) {
  const auto now = log_->leads(partition_of(run));
  if (!now.here)
    return answer(not_leader(now));
  caf::anon_send(shared_->partition(partition_of(run)),
                 command_run{run, std::move(what), promise<done_at>(std::move(answer)), {}});
}

void process::save_workflow(std::string id, json::value definition, reply<workflow_ptr> answer) {
  caf::anon_send(control_, save_workflow_request{std::move(id),
                                                 std::move(definition),
                                                 false,
                                                 {},
                                                 promise<workflow_ptr>(std::move(answer))});
}

} // namespace troupe::test

#include "actors/skills/workers_actor.hpp"

#include "actors/base/handlers.hpp"
#include "actors/skills/cluster_tasks.hpp"
#include "persistence/store/refusals.hpp"

#include <caf/all.hpp>

namespace troupe {

bool skill_directory::knows(std::string_view skill) const {
  const std::lock_guard lock(mutex_);
  return skills_.contains(skill);
}

json::value skill_directory::workers() const {
  const std::lock_guard lock(mutex_);
  return workers_;
}

json::array skill_directory::skills() const {
  const std::lock_guard lock(mutex_);
  json::array out;
  for (const auto& [type, s] : skills_)
    out.push_back(json::object{{"skill_type", s.type},
                               {"description", s.description},
                               {"parameters_schema", s.parameters_schema},
                               {"effect", s.effect},
                               {"provider", "worker"},
                               {"workers", s.workers}});
  return out;
}

std::pair<std::size_t, std::size_t> skill_directory::tasks() const {
  const std::lock_guard lock(mutex_);
  return tasks_;
}

std::optional<milliseconds> skill_directory::oldest_queued() const {
  const std::lock_guard lock(mutex_);
  return oldest_queued_;
}

void skill_directory::publish(const worker_table& table, milliseconds now) {
  auto workers = table.describe(now);
  auto skills = table.skills();
  const std::lock_guard lock(mutex_);
  workers_ = std::move(workers);
  skills_ = std::move(skills);
  tasks_ = {table.queued(), table.leased()};
  oldest_queued_ = table.oldest_queued();
}

namespace {

constexpr milliseconds tick_every{100};

struct workers_state {
  std::unique_ptr<worker_table> table;
  std::map<std::uint64_t, std::uint64_t> number_of; ///< ticket of a task → its number
  std::unique_ptr<cluster_tasks> cluster;
  std::uint64_t led_under = 0; ///< in a cluster: the term of control, while it is led here
  std::shared_ptr<workers_deps> deps;
  std::uint32_t ticks = 0;
  bool ticking = false;
  inline static const char* name = "workers";

  milliseconds now() const { return deps->clock.elapsed(); }
  void call(worker_call& m);
  void add(worker_task& m);
  void drop(const worker_task_dropped& m);
  void follow_control();
  void skills_changed() {
    deps->directory.publish(*table, now());
    deps->skills_changed(table->skills());
  }
};

/// Whatever is known of workers belongs to one leadership of control.
void workers_state::follow_control() {
  if (!cluster)
    return;
  const auto control = deps->log->leads(partition_id{0});
  const auto term = control.here ? control.term : 0;
  if (term == led_under)
    return;
  led_under = term;
  table->close(not_leader(control));
  cluster->control_moved();
  if (term != 0)
    for (auto& known : deps->stored_skills())
      table->remember_skill(std::move(known));
  deps->directory.publish(*table, now());
}

void workers_state::add(worker_task& m) {
  if (cluster)
    return cluster->begin(m);
  const auto number =
      table->add(std::move(m.task), std::move(m.done), std::move(m.live), now(), deps->clock.now());
  if (number != 0)
    number_of.emplace(m.ticket, number);
}

void workers_state::drop(const worker_task_dropped& m) {
  if (cluster)
    return cluster->drop(m.ticket);
  if (const auto at = number_of.find(m.ticket); at != number_of.end()) {
    table->abort(at->second);
    number_of.erase(at);
  }
}

void workers_state::call(worker_call& m) {
  if (cluster && led_under == 0)
    return m.answer(not_leader(deps->log->leads(partition_id{0})));
  switch (m.what) {
  case worker_call::verb::enroll: {
    auto made = table->enroll(m.body, now());
    if (!made)
      return m.answer(made.error());
    skills_changed();
    return m.answer(json::value(json::object{{"id", made->id},
                                             {"name", made->name},
                                             {"token", made->token},
                                             {"heartbeat_seconds", made->heartbeat_seconds}}));
  }
  case worker_call::verb::dismiss: {
    const bool there = table->dismiss(m.worker);
    if (!there)
      return m.answer(
          failure{failure_kind::not_found, "worker_unknown", "there is no such worker", {}, {}});
    skills_changed();
    return m.answer(json::value(json::object{{"id", m.worker}}));
  }
  case worker_call::verb::poll: return table->poll(m.worker, m.body, std::move(m.answer), now());
  case worker_call::verb::message:
    return m.answer(table->message(m.worker, m.task, m.word, m.body, now()));
  case worker_call::verb::results: return m.answer(table->results(m.worker, m.body, now()));
  }
}

using pointer = workers_actor::stateful_pointer<workers_state>;

void tick(pointer self) {
  auto& s = self->state;
  s.table->tick(s.now());
  if (s.cluster)
    s.cluster->look(workers_actor{self});
  // Without workers and tasks there is nothing to watch.
  s.ticking = !s.table->idle() || (s.cluster && !s.cluster->idle());
  if (++s.ticks % 10 == 0 || !s.ticking)
    s.deps->directory.publish(*s.table, s.now());
  if (s.ticking)
    self->delayed_send(self, tick_every, control_tick{});
}

void keep_ticking(pointer self) {
  if (std::exchange(self->state.ticking, true))
    return;
  self->delayed_send(self, tick_every, control_tick{});
}

workers_actor::behavior_type behave_as_workers(pointer self, std::shared_ptr<workers_deps> deps) {
  drop_unexpected(self, "workers");
  auto& s = self->state;
  s.deps = deps;
  s.table = std::make_unique<worker_table>(deps->limits, deps->new_id);
  for (const auto& known : deps->remembered)
    s.table->remember_skill(known);
  deps->directory.publish(*s.table, s.now());
  if (deps->link)
    s.cluster = std::make_unique<cluster_tasks>(
        *deps->link, *deps->log, deps->clock, deps->new_id,
        [state = &s] { return state->led_under != 0 ? state->table.get() : nullptr; });
  const auto handle = [=](const auto& work) {
    guarded(
        "workers",
        [&] {
          self->state.follow_control();
          work(self->state);
          if (self->state.cluster)
            self->state.cluster->look(workers_actor{self});
        },
        [] {});
    keep_ticking(self);
  };
  return {
      [=](worker_task& m) { handle([&](workers_state& state) { state.add(m); }); },
      [=](worker_task_dropped& m) { handle([&](workers_state& state) { state.drop(m); }); },
      [=](worker_call& m) { handle([&](workers_state& state) { state.call(m); }); },
      [=](task_mail& m) {
        handle([&](workers_state& state) {
          if (state.cluster)
            state.cluster->take(m);
        });
      },
      [=](task_settled& m) {
        handle([&](workers_state& state) {
          if (state.cluster)
            state.cluster->settled(m, workers_actor{self});
        });
      },
      [=](control_tick&) {
        guarded(
            "workers",
            [&] {
              self->state.follow_control();
              tick(self);
            },
            [] {});
      },
  };
}

/// Tells the actor when its last owner lets go, so that finished tasks are forgotten too.
class worker_ticket final : public skill_call {
public:
  worker_ticket(workers_actor actor, std::uint64_t ticket)
      : actor_(std::move(actor)), ticket_(ticket) {}
  ~worker_ticket() override { abort(); }
  void abort() override {
    if (!std::exchange(dropped_, true))
      caf::anon_send(actor_, worker_task_dropped{ticket_});
  }

private:
  workers_actor actor_;
  std::uint64_t ticket_;
  bool dropped_ = false;
};

} // namespace

workers_actor spawn_workers_actor(caf::actor_system& system, workers_deps deps) {
  return system.spawn(behave_as_workers, std::make_shared<workers_deps>(std::move(deps)));
}

std::shared_ptr<skill_call> worker_provider::start(skill_task what, skill_done done,
                                                   skill_live live) {
  const auto ticket = next_.fetch_add(1);
  caf::anon_send(actor_, worker_task{ticket, std::move(what), std::move(done), std::move(live)});
  return std::make_shared<worker_ticket>(actor_, ticket);
}

} // namespace troupe

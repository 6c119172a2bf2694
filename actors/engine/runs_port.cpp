// engine_port: runs.
#include "actors/engine/node_engine.hpp"

#include "actors/base/run_history.hpp"
#include "persistence/store/refusals.hpp"
#include "runtime/base/hash.hpp"

#include <caf/all.hpp>

#include <map>
#include <mutex>

namespace troupe {

namespace {

failure unknown_run() {
  return {failure_kind::not_found, "execution_not_found", "there is no such execution", {}, {}};
}

failure overloaded() {
  return {failure_kind::exhausted,
          "overloaded",
          "too many executions are being started or signalled",
          "try again in a second",
          {}};
}

} // namespace

failure stopping() {
  return {failure_kind::unavailable,
          "shutting_down",
          "the node is stopping",
          "try again with the same key",
          {}};
}

template <class T, class Needs>
reply<T> node_engine::confirmed(partition_id partition, reply<T> answer, Needs needs) const {
  const auto term = deps_.log.leads(partition).term;
  return [&log = deps_.log, partition, term, needs, answer = std::move(answer)](result<T> got) {
    const bool open = !got && got.error().kind == failure_kind::unavailable;
    if (open || !needs(got) || log.may_act(partition, term))
      answer(std::move(got));
    else
      answer(not_leader(log.leads(partition)));
  };
}

template <class T> reply<T> node_engine::confirmed(const run_id& run, reply<T> answer) const {
  return confirmed(partition_of(run), std::move(answer), [](const result<T>&) { return true; });
}

std::optional<std::uint64_t> node_engine::speaks_for(const run_id& run) const {
  const auto partition = partition_of(run);
  const auto now = deps_.log.leads(partition);
  return now.here && deps_.log.may_act(partition, now.term) ? std::optional(now.term)
                                                            : std::nullopt;
}

/// One of the partition's places for queued starts and signals, given back with the pointer; empty:
/// all are taken. `held` is kept as long.
std::shared_ptr<void> node_engine::take_place(std::uint16_t partition, std::shared_ptr<void> held) {
  auto place = starts_queued_->take(partition, deps_.clock.elapsed(), std::move(held));
  if (!place)
    shared_->metrics.starts_refused.add();
  return place;
}

result<partition_actor> node_engine::home_of(const run_id& run) const {
  const auto p = number(partition_of(run));
  if (stopping_ || shared_->partitions.empty())
    return stopping();
  if (p == 0 || p >= shared_->partitions.size())
    return unknown_run();
  if (const auto now = deps_.log.leads(partition_id{p}); !now.here)
    return not_leader(now);
  return shared_->partitions[p];
}

/// A key has one partition, wherever that is led. Without a key the start stays here, if it can.
result<std::uint16_t> node_engine::home_for(const start_request& what) const {
  const auto partitions = deps_.settings.partitions;
  const bool free = what.idempotency_key.empty();
  const auto chosen =
      free ? random() : hash64(what.user + '\0' + what.workflow_id + '\0' + what.idempotency_key);
  const auto first = static_cast<std::uint16_t>(1 + chosen % partitions);
  const auto now = deps_.log.leads(partition_id{first});
  if (now.here)
    return first;
  std::vector<std::uint16_t> led_here;
  for (std::uint16_t p = 1; free && p <= partitions; ++p)
    if (deps_.log.leads(partition_id{p}).here)
      led_here.push_back(p);
  if (led_here.empty())
    return not_leader(now);
  return led_here[random() % led_here.size()];
}

void node_engine::start(start_request what, reply<started_run> answer) {
  if (stopping_ || shared_->partitions.empty())
    return answer(stopping());
  auto entry = workflows_->find(what.workflow_id, what.version);
  if (!entry)
    return answer(failure{failure_kind::not_found,
                          "workflow_not_found",
                          "there is no workflow " + what.workflow_id,
                          {},
                          {}});
  const auto home = home_for(what);
  if (!home)
    return answer(home.error());
  const auto p = *home;
  auto place = take_place(p, std::move(what.held));
  if (!place)
    return answer(overloaded());
  start_run m;
  m.run = make_run_id(deps_.clock.now(), partition_id{p}, random());
  m.what = std::move(what);
  m.workflow = std::move(entry);
  // A fresh start is committed; what is said of an earlier one was read.
  m.answer = promise<started_run>(
      confirmed(partition_id{p}, std::move(answer),
                [](const result<started_run>& got) { return got && got->repeated; }));
  m.place = std::move(place);
  caf::anon_send(shared_->partitions[p], std::move(m));
}

void node_engine::command(const run_id& run, commands::any what, reply<done_at> answer) {
  const auto home = home_of(run);
  if (!home)
    return answer(home.error());
  if (std::holds_alternative<commands::signal>(what)) {
    auto place = take_place(number(partition_of(run)), nullptr);
    if (!place)
      return answer(overloaded());
    answer = [place = std::move(place), answer = std::move(answer)](result<done_at> done) mutable {
      place.reset();
      answer(std::move(done));
    };
  }
  answer = confirmed(partition_of(run), std::move(answer),
                     [](const result<done_at>& got) { return !got; });
  caf::anon_send(*home, command_run{run, std::move(what), promise<done_at>(std::move(answer)), {}});
}

void node_engine::read(const run_id& run, reply<execution_text> answer) {
  const auto home = home_of(run);
  if (!home)
    return answer(home.error());
  caf::anon_send(
      *home,
      ask_run{run, ask_execution{promise<execution_text>(confirmed(run, std::move(answer)))}});
}

position node_engine::shown(const run_id& run) const {
  const auto partition = partition_of(run);
  if (!follow_ || number(partition) >= shared_->partitions.size() ||
      !deps_.log.leads(partition).here)
    return {};
  return {partition, deps_.log.applied(partition)};
}

void node_engine::events(const run_id& run, sequence_number after, std::uint32_t limit,
                         reply<event_page> answer) {
  const auto home = home_of(run);
  if (!home)
    return answer(home.error());
  caf::anon_send(*home,
                 ask_run{run, ask_events{after, limit,
                                         promise<event_page>(confirmed(run, std::move(answer)))}});
}

void node_engine::report(const run_id& run, std::string what, reply<json::value> answer) {
  const auto home = home_of(run);
  if (!home)
    return answer(home.error());
  caf::anon_send(*home,
                 ask_run{run, ask_report{std::move(what),
                                         promise<json::value>(confirmed(run, std::move(answer)))}});
}

void node_engine::replay(const run_id& run, bool redecide, reply<json::value> answer) {
  const auto home = home_of(run);
  if (!home)
    return answer(home.error());
  caf::anon_send(
      *home,
      ask_run{run, ask_replay{redecide, promise<json::value>(confirmed(run, std::move(answer)))}});
}

void node_engine::purge(std::vector<run_id> runs, reply<done_at> answer) {
  std::map<std::uint16_t, std::vector<run_id>> by_partition;
  for (const auto& run : runs)
    by_partition[number(partition_of(run))].push_back(run);
  if (runs.empty())
    return answer(done_at{});
  for (const auto& [p, those] : by_partition)
    if (const auto home = home_of(those.front()); !home)
      return answer(home.error());

  struct gathering {
    std::mutex mutex;
    std::size_t open;
    std::uint64_t purged = 0;
    std::optional<failure> why;
    reply<done_at> answer;
  };
  auto all = std::make_shared<gathering>();
  all->open = by_partition.size();
  all->answer = std::move(answer);
  const auto one_done = [all](const result<done_at>& done) {
    std::unique_lock lock(all->mutex);
    if (!done)
      all->why = done.error();
    else if (const auto* count = json::find(done->body, "purged"); count && count->is_uint64())
      all->purged += count->get_uint64();
    if (--all->open > 0)
      return;
    lock.unlock();
    if (all->why)
      all->answer(*all->why);
    else
      all->answer(done_at{done ? done->at : position{}, json::object{{"purged", all->purged}}});
  };
  for (auto& [p, those] : by_partition)
    caf::anon_send(shared_->partitions[p],
                   purge_runs{std::move(those), promise<done_at>(one_done)});
}

std::shared_ptr<void> node_engine::subscribe(const run_id& run, sequence_number since,
                                             std::shared_ptr<subscriber> who) {
  if (follow_ && number(partition_of(run)) < shared_->partitions.size())
    return follow_->subscriptions().subscribe(run, since, std::move(who));
  const auto home = home_of(run);
  if (!home) {
    if (home.error().code != "not_leader") // the run goes on elsewhere
      who->on_end(run);
    return nullptr;
  }
  const auto ticket = next_ticket_.fetch_add(1);
  caf::anon_send(*home, watch_run{run, ticket, since, std::move(who)});
  const auto handle = std::make_shared<int>(0);
  return {handle.get(), [handle, run, ticket, weak = std::weak_ptr(shared_)](void*) {
            const auto alive = weak.lock();
            const auto p = number(partition_of(run));
            if (alive && p < alive->partitions.size() && alive->partitions[p])
              caf::anon_send(alive->partitions[p], watch_run{run, ticket, 0, nullptr});
          }};
}

std::shared_ptr<void> node_engine::subscribe_workflow(std::string workflow_id,
                                                      std::shared_ptr<subscriber> who) {
  if (follow_)
    return follow_->subscriptions().watch(workflow_id, std::move(who));
  const auto ticket = shared_->watchers.add(workflow_id, std::move(who));
  const auto handle = std::make_shared<int>(0);
  return {handle.get(), [handle, ticket, workflow_id, weak = std::weak_ptr(shared_)](void*) {
            if (const auto alive = weak.lock())
              alive->watchers.remove(workflow_id, ticket);
          }};
}

} // namespace troupe

// What a committed turn owes the world.
#include "actors/base/instant_skills.hpp"
#include "actors/run/run_core.hpp"
#include "persistence/store/refusals.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

namespace {

/// The partition reads its timers a window at a time; what is further away comes from there.
constexpr milliseconds timer_news_within{120'000};

} // namespace

void run_core::perform(const std::vector<effects::any>& owed) {
  const bool starts = std::any_of(owed.begin(), owed.end(), [](const effects::any& each) {
    return !std::holds_alternative<effects::wake_at>(each);
  });
  if (starts && !may_act())
    return give_up(leadership_lost(), false); // loaded again where and when somebody may act
  for (const auto& each : owed) {
    if (const auto* attempt = std::get_if<effects::run_attempt>(&each)) {
      if (is_instant_skill(attempt->skill))
        run_instant(*attempt);
      else
        start_step(*attempt);
    } else if (std::holds_alternative<effects::proceed>(each)) {
      inbox_.push_back({commands::proceed{}, {}, {}});
    }
  }
  arm_timers(owed);
}

void run_core::run_instant(const effects::run_attempt& what) {
  shared_.metrics.attempts_instant.add();
  auto parameters = what.parameters.get(blobs_);
  auto outcome = parameters
                     ? run_instant_skill(what.skill, *parameters)
                     : failed_attempt(parameters.error().code, parameters.error().message, false);
  inbox_.push_back({commands::finish_attempt{what.at, what.attempt, std::move(outcome)}, {}, {}});
}

void run_core::start_step(const effects::run_attempt& what) {
  shared_.metrics.attempts_io.add();
  auto parameters = what.parameters.get(blobs_);
  if (!parameters) {
    inbox_.push_back({commands::finish_attempt{what.at, what.attempt,
                                               failed_attempt(parameters.error().code,
                                                              parameters.error().message, false)},
                      {},
                      {}});
    return;
  }
  skill_task task;
  task.run = run_;
  task.at = what.at;
  task.attempt = what.attempt;
  task.skill = what.skill;
  task.parameters = std::move(*parameters);
  task.timeout = what.timeout.count() > 0 ? what.timeout : shared_.settings.step_timeout;
  task.idempotency_key = what.idempotency_key;
  task.trace_id = record_.state.start.trace_id;
  auto& slot = steps_[{what.at.node, what.at.iteration}];
  if (slot.actor)
    caf::anon_send(slot.actor, abort_step{});
  slot = {what.attempt, shared_.spawn_step(self_), std::chrono::steady_clock::now()};
  caf::anon_send(slot.actor, run_step{std::move(task), term_});
}

void run_core::abort_ended(const std::vector<event>& turn) {
  if (steps_.empty())
    return;
  const auto drop = [&](const place& at) {
    const auto found = steps_.find({at.node, at.iteration});
    if (found == steps_.end())
      return;
    caf::anon_send(found->second.actor, abort_step{});
    steps_.erase(found);
  };
  for (const auto& e : turn) {
    if (const auto* completed = std::get_if<events::node_completed>(&e.what))
      drop(completed->at);
    else if (const auto* failed = std::get_if<events::node_failed>(&e.what))
      drop(failed->at);
    else if (const auto* interrupted = std::get_if<events::attempt_interrupted>(&e.what))
      drop(interrupted->at);
    else if (std::holds_alternative<events::execution_finished>(e.what))
      stop();
  }
}

void run_core::arm_timers(const std::vector<effects::any>& owed) {
  timers_armed news;
  const auto until = shared_.clock.now() + timer_news_within;
  for (const auto& each : owed) {
    const auto* wake = std::get_if<effects::wake_at>(&each);
    if (!wake || wake->due > until)
      continue;
    const auto known = record_.state.timers.find(wake->timer);
    if (known == record_.state.timers.end())
      continue;
    const auto* slot = find_slot(*record_.plan, record_.state, known->second.at);
    const bool calendar = slot && slot->wait == wait_kind::time;
    news.timers.push_back({wake->timer, wake->due, !calendar});
  }
  if (news.timers.empty())
    return;
  news.run = run_;
  news.term = term_;
  caf::anon_send(partition(), std::move(news));
}

void run_core::tell(log::level at, std::string_view what, std::optional<run_status> status) const {
  if (!log::enabled(at))
    return;
  const auto& start = record_.state.start;
  log::write(at, "run", what,
             {{"execution_id", std::string_view(to_text(run_))},
              {"workflow_id", std::string_view(start.workflow_id)},
              {"trace_id", std::string_view(start.trace_id)},
              {"status", status ? to_text(*status) : std::string_view("started")}});
}

void run_core::count(const std::vector<event>& turn) {
  auto& m = shared_.metrics;
  m.turns.add();
  m.events.add(turn.size());
  for (const auto& e : turn) {
    if (std::holds_alternative<events::execution_started>(e.what))
      tell(log::level::debug, "execution started", {});
    if (const auto* end = std::get_if<events::execution_finished>(&e.what)) {
      const bool bad = end->status == run_status::failed || end->status == run_status::timed_out;
      tell(bad ? log::level::warning : log::level::debug, "execution finished", end->status);
      m.runs_ended[static_cast<std::size_t>(end->status)].add();
      if (end->error && end->error->code == "quarantined")
        m.quarantined.add();
    } else if (std::holds_alternative<events::node_retrying>(e.what)) {
      m.retries.add();
    } else if (std::holds_alternative<events::node_failed>(e.what)) {
      m.attempts_failed.add();
    } else if (std::holds_alternative<events::timer_fired>(e.what)) {
      m.timers_fired.add();
    }
  }
}

} // namespace troupe

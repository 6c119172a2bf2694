// engine_port: views, status, metrics, test switches.
#include "actors/base/faults.hpp"
#include "actors/base/loading.hpp"
#include "actors/engine/node_engine.hpp"

#include <caf/all.hpp>

#include <algorithm>

namespace troupe {

namespace {

constexpr milliseconds views_wait{2'000};

failure not_there() {
  return {failure_kind::not_found, "not_found", "this switch is off", {}, {}};
}

std::int64_t integer_at(const json::value& v, std::string_view key, std::int64_t otherwise) {
  const auto* at = json::find(v, key);
  if (at && at->is_int64())
    return at->get_int64();
  return at && at->is_double() ? static_cast<std::int64_t>(at->get_double()) : otherwise;
}

} // namespace

void node_engine::query(view_query what, std::vector<position> at_least, reply<view_page> answer) {
  // Without a wish a reader sees at least what this node has acknowledged.
  if (at_least.empty())
    for (std::uint16_t p = 0; p <= deps_.settings.partitions; ++p)
      if (const auto index = deps_.log.applied(partition_id{p}); index > 0)
        at_least.push_back({partition_id{p}, index});
  deps_.lists.query(std::move(what), std::move(at_least), views_wait, std::move(answer));
}

/// Whoever asks for any run finds it here, or is told where.
bool node_engine::ready() const {
  if (stopping_ || !system_)
    return false;
  std::uint32_t led_here = 0;
  for (std::uint16_t p = 0; p <= deps_.settings.partitions; ++p) {
    const auto now = deps_.log.leads(partition_id{p});
    if (!now.here && now.leader == 0)
      return false;
    led_here += now.here && p > 0 ? 1 : 0;
  }
  return shared_->opened.load() >= led_here;
}

json::value node_engine::status() const {
  suffer_faults(*shared_, "api");
  const auto& m = shared_->metrics;
  json::object ended;
  for (std::size_t i = 0; i < m.runs_ended.size(); ++i)
    if (const auto status = static_cast<run_status>(i); terminal(status))
      ended[to_text(status)] = m.runs_ended[i].value();
  const auto http = http_->current();
  const auto log = deps_.log.queued();
  json::array alerts;
  {
    const std::lock_guard lock(shared_->alerts_mutex);
    alerts = shared_->alerts;
  }
  for (auto& each : unreadable_alerts(*shared_))
    alerts.push_back(std::move(each));
  for (auto& each : shared_->stuck.alerts(deps_.clock.elapsed()))
    alerts.push_back(std::move(each));
  return json::object{
      {"status", ready()     ? "ready"
                 : stopping_ ? "stopping"
                             : "starting"},
      {"time", to_text(now())},
      {"partitions", deps_.settings.partitions},
      {"partitions_open", shared_->opened.load()},
      {"executions", json::object{{"live", m.runs_live.value()},
                                  {"started", m.runs_started.value()},
                                  {"ended", std::move(ended)}}},
      {"steps_running", m.steps_live.value()},
      {"views", json::object{{"rebuilding", feeder_->running()},
                             {"executions_read", feeder_->progress().executions.load()},
                             {"unreadable", feeder_->progress().unreadable.load()}}},
      {"queues", json::object{{"log_proposals", log.proposals},
                              {"log_bytes", log.bytes},
                              {"views_lag", deps_.lists.lag()},
                              {"http_waiting", http.waiting},
                              {"http_running", http.running},
                              {"worker_tasks_queued", worker_skills_.tasks().first},
                              {"worker_tasks_running", worker_skills_.tasks().second}}},
      {"crashes", m.crashes.value()},
      {"quarantined", m.quarantined.value()},
      {"stuck", m.stuck.value()},
      {"services", services()},
      {"alerts", std::move(alerts)}};
}

std::string node_engine::metrics() const {
  const auto& m = shared_->metrics;
  metrics_text out;
  const auto count = [&](std::string_view name, std::string_view help, const counter& c) {
    out.value(name, "counter", help, static_cast<double>(c.value()));
  };
  const auto gauge = [&](std::string_view name, std::string_view help, std::size_t v) {
    out.value(name, "gauge", help, static_cast<double>(v));
  };
  count("troupe_executions_started_total", "Executions begun", m.runs_started);
  for (std::size_t i = 0; i < m.runs_ended.size(); ++i)
    if (const auto status = static_cast<run_status>(i); terminal(status))
      out.value("troupe_executions_ended_total", "counter", "Executions ended, by status",
                static_cast<double>(m.runs_ended[i].value()),
                "status=\"" + std::string(to_text(status)) + "\"");
  count("troupe_starts_refused_total", "Starts and signals over --starts-queued-max",
        m.starts_refused);
  gauge("troupe_executions_live", "Executions in memory", m.runs_live.value());
  count("troupe_executions_passivated_total", "Executions that left memory", m.passivated);
  count("troupe_turns_total", "Turns committed", m.turns);
  count("troupe_events_total", "Events committed", m.events);
  count("troupe_commits_failed_total", "Turns that could not be committed", m.commits_failed);
  count("troupe_actor_crashes_total", "Exceptions that escaped a handler", m.crashes);
  count("troupe_quarantined_total", "Executions quarantined", m.quarantined);
  count("troupe_stuck_total", "Executions found hanging and driven again", m.stuck);
  count("troupe_attempts_io_total", "Attempts given to skill providers", m.attempts_io);
  count("troupe_attempts_instant_total", "Attempts of instant skills", m.attempts_instant);
  count("troupe_steps_failed_total", "Steps that failed", m.attempts_failed);
  count("troupe_retries_total", "Attempts that will be repeated", m.retries);
  count("troupe_timers_fired_total", "Timers fired", m.timers_fired);
  gauge("troupe_steps_running", "Attempts with a skill provider", m.steps_live.value());
  count("troupe_messages_sent_total", "Messages between executions", m.outbox_sent);
  count("troupe_subscribers_dropped_total", "Subscribers dropped", m.subscribers_dropped);
  const auto http = http_->current();
  out.value("troupe_http_calls_total", "counter", "Calls of HTTP_REQUEST",
            static_cast<double>(http.calls));
  gauge("troupe_http_running", "HTTP calls in flight", http.running);
  gauge("troupe_http_waiting", "HTTP calls waiting for a place", http.waiting);
  const auto [queued, leased] = worker_skills_.tasks();
  gauge("troupe_worker_tasks_queued", "Tasks waiting for a worker", queued);
  gauge("troupe_worker_tasks_running", "Tasks with a worker", leased);
  const auto log = deps_.log.queued();
  gauge("troupe_log_proposals_queued", "Turns waiting for the disk", log.proposals);
  gauge("troupe_log_bytes_queued", "Bytes waiting for the disk", log.bytes);
  const auto waits = [&](std::string_view queue, std::optional<milliseconds> since) {
    const auto age =
        since ? std::max(deps_.clock.elapsed() - *since, milliseconds(0)) : milliseconds(0);
    out.value("troupe_queue_age_seconds", "gauge",
              "How long the oldest of a queue has waited; 0: nothing waits",
              std::chrono::duration<double>(age).count(), "queue=\"" + std::string(queue) + "\"");
  };
  waits("starts", starts_queued_->oldest());
  waits("log", deps_.clock.elapsed() - log.oldest);
  waits("worker_tasks", worker_skills_.oldest_queued());
  gauge("troupe_views_lag", "Changes not yet in the views", deps_.lists.lag());
  gauge("troupe_views_rebuilding", "1 while the views are made again", feeder_->running() ? 1 : 0);
  out.histogram("troupe_commit_seconds", "From a decision to its durable turn", m.commit);
  out.histogram("troupe_step_seconds", "Attempts with skill providers", m.step);
  return out.take();
}

result<json::value> node_engine::fault(const json::value& body) {
  if (!deps_.settings.test_faults)
    return not_there();
  const auto kind = json::text_or(body, "kind", "crash");
  const auto what = json::text_or(body, "what", "outcome");
  const auto actor = json::text_or(body, "actor", "");
  const bool known = actor.starts_with("run:") || actor.starts_with("partition:") ||
                     actor == "control" || actor == "limiter" || actor == "api";
  if (kind == "stop" || kind == "resume")
    return stop_service(actor, kind == "stop");
  const bool drop = kind == "drop" && actor.starts_with("run:") &&
                    (what == "outcome" || what == "timer" || what == "message");
  if ((kind != "crash" && kind != "delay" && !drop) || !known)
    return invalid("fault_unknown",
                   "kind must be crash or delay, actor run:<execution id>, partition:<number>, "
                   "control, limiter or api; or kind drop, what outcome, timer or message, actor "
                   "run:<execution id>; or kind stop or resume, actor scheduler, websocket or "
                   "notification");
  const auto times =
      static_cast<int>(std::clamp<std::int64_t>(integer_at(body, "times", 1), 1, 100));
  const auto late = std::clamp<std::int64_t>(integer_at(body, "milliseconds", 1'000), 1, 60'000);
  const std::lock_guard lock(shared_->faults_mutex);
  auto& told = shared_->faults[drop ? drop_name(what, actor.substr(4)) : std::string(actor)];
  told.times += times;
  told.late = milliseconds{kind == "delay" ? late : 0};
  shared_->faults_left += times;
  return json::value(json::object{{"actor", actor}, {"times", times}});
}

result<json::value> node_engine::move_clock(const json::value& body) {
  if (!deps_.settings.test_clock || !deps_.test_clock)
    return not_there();
  auto by = milliseconds(integer_at(body, "advance_ms", 0));
  by += milliseconds(integer_at(body, "advance_seconds", 0) * 1000);
  if (const auto to = instant_from_text(json::text_or(body, "to", "")))
    by = *to - now();
  if (by < milliseconds(0) || by > std::chrono::hours{24 * 366 * 20})
    return invalid("clock_invalid",
                   "the clock only moves ahead: advance_seconds, advance_ms or to");
  deps_.test_clock->advance(by);
  for (std::uint16_t p = 1; p < shared_->partitions.size(); ++p)
    caf::anon_send(shared_->partitions[p], partition_tick{});
  if (control_)
    caf::anon_send(control_, control_tick{});
  return json::value(json::object{{"now", to_text(now())}});
}

void node_engine::snapshot(std::string directory, reply<json::value> answer) {
  if (!deps_.backup)
    return answer(failure{failure_kind::unavailable,
                          "backup_unavailable",
                          "this store cannot be copied while it runs",
                          {},
                          {}});
  deps_.backup(std::move(directory), std::move(answer));
}

} // namespace troupe

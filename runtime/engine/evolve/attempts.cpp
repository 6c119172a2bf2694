#include "runtime/engine/evolve/apply.hpp"
#include "runtime/engine/evolve/frontier.hpp"

namespace troupe::evolving {

namespace {

void attempt_ended(run_state& s, slot& what) {
  if (what.status == step_status::running && what.attempt > 0 && s.running > 0)
    --s.running;
}

/// What the error edge carries.
value_ref error_value(const std::string& node, const error_info& error) {
  json::object fields{{"error", error.message}, {"code", error.code}, {"node", node}};
  if (error.status != 0)
    fields["status"] = error.status;
  if (const auto& data = error.data.inline_value())
    fields["data"] = *data;
  return value_ref{share(std::move(fields))};
}

resolution resolution_of(failure_outcome outcome) {
  switch (outcome) {
  case failure_outcome::continued: return resolution::continued;
  case failure_outcome::error_port: return resolution::error_port;
  case failure_outcome::stop:
  case failure_outcome::blocked: break;
  }
  return resolution::blocked;
}

void count_failure(run_state& s, const slot_ref& at, const events::node_failed& e) {
  ++s.counters.all;
  if (e.outcome == failure_outcome::error_port)
    return;
  ++s.counters.failed;
  if (e.outcome == failure_outcome::continued)
    ++s.counters.continued;
  else if (at.scope.region == 0)
    ++s.counters.failed_root;
  if (e.outcome == failure_outcome::stop && at.scope.region == 0 && !s.error) {
    s.error = e.error;
    s.error_node = e.at.node;
  }
}

} // namespace

void apply(const plan& p, run_state& s, const events::node_scheduled& e, instant now) {
  auto [at, what] = slot_of(p, s, e.at);
  unqueue(s, what, at);
  what.status = step_status::running;
  what.wait = wait_kind::none;
  what.attempt = e.attempt;
  what.max_attempts = e.max_attempts;
  what.skill = e.skill;
  what.parameters = e.parameters;
  what.fallback = e.fallback;
  if (!what.started)
    what.started = now;
  ++s.running;
  ++s.counters.scheduled;
}

void apply(const plan& p, run_state& s, const events::node_completed& e, instant now) {
  auto [at, what] = slot_of(p, s, e.at);
  attempt_ended(s, what);
  what.ports = e.ports;
  what.error.reset();
  what.interruptions = 0;
  what.fallback = e.fallback;
  what.reused = e.reused;
  ++s.counters.all;
  ++s.counters.succeeded;
  if (p.nodes[at.node].kind == node_kind::loop)
    s.loops.erase(at);
  if (const auto streamed = s.loops.find(at); streamed != s.loops.end())
    streamed->second.exhausted = true;
  settle(p, s, at, step_status::success, resolution::completed, now);
}

void apply(const plan& p, run_state& s, const events::node_failed& e, instant now) {
  auto [at, what] = slot_of(p, s, e.at);
  attempt_ended(s, what);
  what.error = e.error;
  what.interruptions = 0;
  what.handled = e.outcome == failure_outcome::error_port;
  what.ports.clear();
  if (what.handled)
    what.ports.push_back({"error", error_value(e.at.node, e.error)});
  count_failure(s, at, e);
  if (const auto streamed = s.loops.find(at); streamed != s.loops.end())
    streamed->second.exhausted = true;
  const bool timed_out = e.error.code == "timeout" && e.outcome != failure_outcome::blocked;
  settle(p, s, at, timed_out ? step_status::timed_out : step_status::failed,
         resolution_of(e.outcome), now);
}

void apply(const plan& p, run_state& s, const events::node_retrying& e, instant) {
  auto [at, what] = slot_of(p, s, e.at);
  attempt_ended(s, what);
  what.status = step_status::retrying;
  what.wait = wait_kind::retry;
  what.until = e.due;
  what.error = e.error;
  what.interruptions = 0;
}

void apply(const plan& p, run_state& s, const events::node_skipped& e, instant now) {
  auto [at, what] = slot_of(p, s, e.at);
  what.reason = e.reason;
  ++s.counters.all;
  ++s.counters.skipped;
  settle(p, s, at, step_status::skipped,
         e.skip == skip_kind::dead_branch ? resolution::dead : resolution::skipped, now);
}

void apply(const plan& p, run_state& s, const events::attempt_interrupted& e, instant) {
  auto [at, what] = slot_of(p, s, e.at);
  attempt_ended(s, what);
  what.status = step_status::retrying;
  what.wait = wait_kind::none;
  ++what.interruptions;
  ++what.attempt_base; // an interruption is nobody's failed try
  queue(s, what, at);
}

} // namespace troupe::evolving

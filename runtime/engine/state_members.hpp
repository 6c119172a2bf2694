// The members of the state, once. Each struct is unpacked whole: a member that is added to
// state.hpp and forgotten here does not compile.
#pragma once

#include "runtime/engine/event_fields.hpp"
#include "runtime/engine/members.hpp"
#include "runtime/engine/projection.hpp"
#include "runtime/engine/state.hpp"

namespace troupe {

namespace events {

template <some<execution_started> S, class F> void each_member(S& s, F&& f) {
  each_field(s, f);
}

} // namespace events

template <some<scope_key> S, class F> void each_member(S& s, F&& f) {
  auto& [region, path] = s;
  f("region", region);
  f("path", path);
}
template <some<slot_ref> S, class F> void each_member(S& s, F&& f) {
  auto& [at, node] = s;
  f("scope", at);
  f("node", node);
}
template <some<slot> S, class F> void each_member(S& s, F&& f) {
  auto& [status, out, pending, attempt, attempt_base, max_attempts, interruptions, emitted, wait,
         queued, fallback, reused, handled, started, ended, until, ports, parameters, skill, name,
         error, timer, child, reason] = s;
  f("status", status);
  f("out", out);
  f("pending", pending);
  f("attempt", attempt);
  f("attempt_base", attempt_base);
  f("max_attempts", max_attempts);
  f("interruptions", interruptions);
  f("emitted", emitted);
  f("wait", wait);
  f("queued", queued);
  f("fallback", fallback);
  f("reused", reused);
  f("handled", handled);
  f("started", started);
  f("ended", ended);
  f("until", until);
  f("ports", ports);
  f("parameters", parameters);
  f("skill", skill);
  f("name", name);
  f("error", error);
  f("timer", timer);
  f("child", child);
  f("reason", reason);
}
template <some<scope> S, class F> void each_member(S& s, F&& f) {
  auto& [slots, open, failed, item] = s;
  f("slots", slots);
  f("open", open);
  f("failed", failed);
  f("item", item);
}
template <some<result_list> S, class F> void each_member(S& s, F&& f) {
  auto& [chunks, tail, early, next] = s;
  f("chunks", chunks);
  f("tail", tail);
  f("early", early);
  f("next", next);
}
template <some<loop_state> S, class F> void each_member(S& s, F&& f) {
  auto& [items, total, started, finished, active, failed, exhausted, done, results, last] = s;
  f("items", items);
  f("total", total);
  f("started", started);
  f("finished", finished);
  f("active", active);
  f("failed", failed);
  f("exhausted", exhausted);
  f("done", done);
  f("results", results);
  f("last", last);
}
template <some<timer_info> S, class F> void each_member(S& s, F&& f) {
  auto& [due, purpose, at] = s;
  f("due", due);
  f("purpose", purpose);
  f("at", at);
}
template <some<received_signal> S, class F> void each_member(S& s, F&& f) {
  auto& [name, data] = s;
  f("name", name);
  f("data", data);
}
template <some<run_counters> S, class F> void each_member(S& s, F&& f) {
  auto& [scheduled, succeeded, failed, skipped, continued, all, failed_root] = s;
  f("scheduled", scheduled);
  f("succeeded", succeeded);
  f("failed", failed);
  f("skipped", skipped);
  f("continued", continued);
  f("all", all);
  f("failed_root", failed_root);
}
template <some<run_state> S, class F> void each_member(S& s, F&& f) {
  auto& [seq, id, start, status, paused, admitted, attempt, created, started, ended, deadline, vars,
         scopes, loops, timers, ready, signals, signal_ids, timer_next, review_next, deadline_timer,
         running, counters, output, error, error_node, overrides, input_attempt] = s;
  f("seq", seq);
  f("id", id);
  f("start", start);
  f("status", status);
  f("paused", paused);
  f("admitted", admitted);
  f("attempt", attempt);
  f("created", created);
  f("started", started);
  f("ended", ended);
  f("deadline", deadline);
  f("vars", vars);
  f("scopes", scopes);
  f("loops", loops);
  f("timers", timers);
  f("ready", ready);
  f("signals", signals);
  f("signal_ids", signal_ids);
  f("timer_next", timer_next);
  f("review_next", review_next);
  f("deadline_timer", deadline_timer);
  f("running", running);
  f("counters", counters);
  f("output", output);
  f("error", error);
  f("error_node", error_node);
  f("overrides", overrides);
  f("input_attempt", input_attempt);
}

template <some<open_review> S, class F> void each_member(S& s, F&& f) {
  auto& [what, opened] = s;
  each_field(what, f);
  f("opened", opened);
}

} // namespace troupe

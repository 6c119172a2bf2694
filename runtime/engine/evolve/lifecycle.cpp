#include "runtime/engine/evolve/apply.hpp"
#include "runtime/engine/evolve/frontier.hpp"

namespace troupe::evolving {

located slot_of(const plan& p, run_state& s, const place& at) {
  const auto ref = locate(p, at);
  auto* what = find_slot(p, s, ref);
  check(what != nullptr, "an event names a node of its plan in a living iteration");
  return {ref, *what};
}

namespace {

void begin(const plan& p, run_state& s, instant now) {
  s.status = run_status::running;
  s.admitted = true;
  s.started = now;
  open_scope(p, s, {}, {});
}

/// Adopts the members of a JSON object as variables.
void adopt(run_state& s, const json::object& values) {
  for (const auto& [name, v] : values)
    s.vars.insert_or_assign(std::string{name}, value_ref{share(v)});
}

} // namespace

void apply(const plan& p, run_state& s, const events::execution_started& e, instant now) {
  s.start = e;
  s.created = now;
  s.deadline = e.deadline;
  s.overrides = e.overrides;
  adopt(s, p.variables);
  if (const auto& given = e.vars.inline_value(); given && given->is_object())
    adopt(s, given->get_object());
  if (e.queued)
    s.status = run_status::queued;
  else
    begin(p, s, now);
}

void apply(const plan& p, run_state& s, const events::execution_admitted&, instant now) {
  begin(p, s, now);
}

void apply(const plan&, run_state& s, const events::execution_paused&, instant) {
  s.paused = true;
}

void apply(const plan&, run_state& s, const events::execution_resumed&, instant) {
  s.paused = false;
}

void apply(const plan&, run_state& s, const events::execution_finished& e, instant now) {
  s.status = e.status;
  s.output = e.output;
  s.error = e.error;
  s.error_node = e.error_node;
  s.ended = now;
  s.paused = false;
  s.running = 0;
  s.ready.clear();
  s.signals.clear();
  const bool stopped = e.status == run_status::timed_out;
  for (auto& [key, place] : s.scopes)
    for (auto& what : place.slots) {
      what.queued = false;
      if (terminal(what.status) ||
          (what.status == step_status::pending && !what.started && key.region != 0))
        continue;
      what.status = stopped && what.started ? step_status::timed_out : step_status::cancelled;
      what.wait = wait_kind::none;
      what.ended = now;
    }
}

void apply(const plan&, run_state& s, const events::variable_set& e, instant) {
  s.vars.insert_or_assign(e.name, e.value);
}

void apply(const plan&, run_state&, const events::turn_yielded&, instant) {}

} // namespace troupe::evolving

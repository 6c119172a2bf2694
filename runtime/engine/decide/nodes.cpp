// What a node does once it is ready.
#include "runtime/engine/decide/turn.hpp"

namespace troupe::deciding {

namespace {

void skip(turn& t, const slot_ref& at, skip_kind kind, std::string reason,
          std::string warning = {}) {
  t.emit(events::node_skipped{t.place_at(at), kind, std::move(reason), std::move(warning)});
}

bool takes_place(const plan_node& node) {
  return node.kind == node_kind::skill && !node.disabled;
}

bool no_free_place(const turn& t) {
  return t.p.limits.parallel_steps_max > 0 && t.s.running >= t.p.limits.parallel_steps_max;
}

void block(turn& t, const slot_ref& at) {
  error_info error{
      "dependency_failed", "A dependency failed: dependencies cannot be satisfied.", 0, false, {}};
  t.emit(
      events::node_failed{t.place_at(at), 0, std::move(error), failure_outcome::blocked, nullptr});
}

/// True when the node's own condition lets it run; records the skip otherwise.
bool condition_holds(turn& t, const slot_ref& at, const shared_value& input) {
  const auto& node = t.node_at(at);
  if (!node.condition)
    return true;
  const auto holds = t.holds(*node.condition, run_names{t.p, t.s, t.c.blobs, at.scope, input});
  if (holds && *holds)
    return true;
  skip(t, at, skip_kind::condition, "Condition not met",
       holds ? std::string{} : "The condition could not be evaluated: " + holds.error().message);
  return false;
}

void run(turn& t, const slot_ref& at, const shared_value& input) {
  const auto& node = t.node_at(at);
  switch (node.kind) {
  case node_kind::trigger: return complete(t, at, t.s.start.input);
  case node_kind::if_: return run_if(t, at, input);
  case node_kind::switch_: return run_switch(t, at, input);
  case node_kind::filter: return run_filter(t, at, input);
  case node_kind::loop: return start_loop(t, at, input);
  case node_kind::merge: return; // handled before its inputs are complete
  case node_kind::wait: return start_wait(t, at, input);
  case node_kind::human: return start_review(t, at, input);
  case node_kind::transform: return run_transform(t, at, input);
  case node_kind::set_variable: return run_variable(t, at, input);
  case node_kind::output: return run_output(t, at, input);
  case node_kind::subworkflow: return start_child(t, at, input);
  case node_kind::skill: return schedule(t, at, input);
  }
}

void start_node(turn& t, const slot_ref& at, const inputs& in) {
  const auto& node = t.node_at(at);
  const auto input = merged(t, in);
  if (!input)
    return fail(t, at, to_error(input.error()));
  if (node.disabled)
    return complete(t, at, t.keep(*input));
  if (!condition_holds(t, at, *input))
    return;
  if (node.pin && t.s.start.trigger_type == "manual")
    return complete(t, at, t.keep(node.pin));
  run(t, at, *input);
}

} // namespace

bool process(turn& t, const slot_ref& at) {
  const auto& node = t.node_at(at);
  const auto& what = t.slot_at(at);
  const bool again = what.status == step_status::retrying;
  if ((again || takes_place(node)) && no_free_place(t))
    return false;
  if (again) {
    schedule_again(t, at);
    return true;
  }
  const auto in = gather(t, at);
  if (!in) {
    fail(t, at, to_error(in.error()));
    return true;
  }
  const bool dead = in->live.empty() && in->order_live == 0 && in->dead > 0;
  if (in->blocked > 0)
    block(t, at);
  else if (node.kind == node_kind::merge && !node.disabled && !dead)
    run_merge(t, at, *in);
  else if (dead)
    skip(t, at, skip_kind::dead_branch, "Branch not taken");
  else
    start_node(t, at, *in);
  return true;
}

} // namespace troupe::deciding

// Attempts: scheduled, ended, tried again, interrupted.
#include "runtime/engine/decide/turn.hpp"

namespace troupe::deciding {

namespace {

const json::object* given_for(const shared_value& overrides, const std::string& node) {
  const auto* given =
      overrides && overrides->is_object() ? overrides->get_object().if_contains(node) : nullptr;
  return given ? given->if_object() : nullptr;
}

/// The parameters as written, with what was given in their place; nullopt when nothing was.
std::optional<json::object> replaced(const turn& t, const plan_node& node) {
  const auto* first = given_for(t.s.start.overrides, node.id);
  const auto* then =
      t.s.overrides == t.s.start.overrides ? nullptr : given_for(t.s.overrides, node.id);
  if (!first && !then)
    return std::nullopt;
  const auto* written = node.parameters.source().if_object();
  auto all = written ? *written : json::object{};
  for (const auto* given : {first, then})
    if (given)
      for (const auto& [key, v] : *given)
        all.insert_or_assign(key, v);
  return all;
}

bool over_budget(turn& t, const slot_ref& at) {
  const auto most = t.p.limits.steps_max;
  if (most == 0 || t.s.counters.scheduled < most)
    return false;
  finish(t, run_status::failed,
         error_info{"budget_exceeded",
                    "The run reached its budget of " + std::to_string(most) + " steps.",
                    0,
                    false,
                    {}},
         t.node_at(at).id);
  return true;
}

void emit_scheduled(turn& t, const slot_ref& at, const plan_node& as, value_ref parameters,
                    bool fallback) {
  if (over_budget(t, at))
    return;
  const auto& what = t.slot_at(at);
  events::node_scheduled e;
  e.at = t.place_at(at);
  e.attempt = what.attempt + 1;
  e.max_attempts = t.node_at(at).retry.max_attempts;
  e.skill = as.skill_type;
  e.parameters = std::move(parameters);
  e.fallback = fallback;
  t.emit(std::move(e));
}

std::uint32_t tries(const slot& what) {
  return what.attempt - what.attempt_base;
}

void retry_later(turn& t, const slot_ref& at, const attempt_outcome& outcome) {
  const auto& what = t.slot_at(at);
  const auto wait =
      wait_before(t.node_at(at).retry, tries(what) + 1, t.random(), outcome.retry_after);
  const auto due = t.c.now + wait;
  t.emit(events::node_retrying{t.place_at(at), what.attempt, outcome.error, due, outcome.logs});
  set_timer(t, at, due, timer_purpose::retry);
}

std::vector<port_value> kept(turn& t, const std::vector<port_value>& ports) {
  std::vector<port_value> out;
  for (const auto& port : ports)
    out.push_back({port.port, t.keep(port.value)});
  if (out.empty())
    out.push_back({"main", value_ref{null_value()}});
  return out;
}

/// A streaming node's list fires downstream once an element.
void emit_values(turn& t, const slot_ref& at, const std::vector<port_value>& ports) {
  if (!t.node_at(at).streaming || ports.empty())
    return;
  auto list = ports.front().value.get(t.c.blobs);
  if (!list || !(*list)->is_array())
    return;
  const auto attempt = t.slot_at(at).attempt;
  for (std::uint32_t i = t.slot_at(at).emitted; i < (*list)->get_array().size(); ++i)
    t.emit(events::value_emitted{t.place_at(at), attempt, i,
                                 t.keep(json::value((*list)->get_array()[i]))});
}

void interrupt(turn& t, const slot_ref& at) {
  const auto& node = t.node_at(at);
  t.emit(events::attempt_interrupted{t.place_at(at), t.slot_at(at).attempt});
  if (node.effect != effect_class::io)
    return; // no effect to repeat: it simply runs again
  if (t.slot_at(at).interruptions >= t.s.start.interruptions_max)
    return finish(t, run_status::failed,
                  error_info{"quarantined",
                             "The step was interrupted " +
                                 std::to_string(t.s.start.interruptions_max) + " times in a row.",
                             0,
                             false,
                             {}},
                  node.id);
  const error_info unknown{"outcome_unknown",
                           "The attempt was interrupted; whether it took effect is not known.",
                           0,
                           false,
                           {}};
  if (node.interrupted == when_interrupted::fail)
    return fail(t, at, unknown);
  if (node.interrupted == when_interrupted::ask) {
    events::review_opened review;
    review.type = "interrupted";
    review.title = "Was '" + node.name + "' carried out?";
    review.message = "Its attempt was interrupted. Approve to run it again, reject to fail it.";
    review.priority = "high";
    open_review(t, at, std::move(review));
  }
}

bool in_flight(turn& t, const commands::finish_attempt& c, const slot_ref& at) {
  const auto* what = find_slot(t.p, t.s, at);
  return !terminal(t.s.status) && what && what->status == step_status::running &&
         what->attempt == c.attempt && t.node_at(at).kind == node_kind::skill;
}

} // namespace

result<json::object> parameters_of(turn& t, const slot_ref& at, const shared_value& input) {
  const auto& node = t.node_at(at);
  const run_names names{t.p, t.s, t.c.blobs, at.scope, input};
  const auto render = [&]() -> result<json::value> {
    auto written = replaced(t, node);
    if (!written)
      return t.render(node.parameters, names);
    const auto compiled = expr::compile(json::value(std::move(*written)));
    if (!compiled)
      return compiled.error();
    return t.render(*compiled, names);
  };
  auto rendered = render();
  if (!rendered)
    return std::move(rendered).error();
  return rendered->is_object() ? std::move(rendered->get_object()) : json::object{};
}

void schedule(turn& t, const slot_ref& at, const shared_value& input) {
  auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  const auto& node = t.node_at(at);
  if (t.s.start.dry_run)
    return complete(
        t, at, t.keep(node.dry_output ? node.dry_output : share(json::object{{"dry_run", true}})));
  emit_scheduled(t, at, node, t.keep(json::value(std::move(*parameters))), false);
}

void schedule_again(turn& t, const slot_ref& at) {
  const auto& what = t.slot_at(at);
  const auto& node = t.node_at(at);
  const auto& as = what.fallback ? t.p.nodes[node.fallback.node] : node;
  emit_scheduled(t, at, as, what.parameters, what.fallback);
}

void complete(turn& t, const slot_ref& at, std::vector<port_value> ports) {
  events::node_completed e;
  e.at = t.place_at(at);
  e.ports = std::move(ports);
  emit_values(t, at, e.ports);
  t.emit(std::move(e));
}

void complete(turn& t, const slot_ref& at, value_ref value, std::string port) {
  complete(t, at, std::vector<port_value>{{std::move(port), std::move(value)}});
}

void fail(turn& t, const slot_ref& at, error_info error, shared_value logs) {
  const auto& node = t.node_at(at);
  const auto& what = t.slot_at(at);
  auto policy = node.error_policy;
  if (policy == on_error::fallback && node.fallback.value) {
    auto value =
        t.render(*node.fallback.value, run_names{t.p, t.s, t.c.blobs, at.scope, null_value()});
    if (value) {
      events::node_completed e;
      e.at = t.place_at(at);
      e.attempt = what.attempt;
      e.ports = {{"main", t.keep(std::move(*value))}};
      e.fallback = true;
      e.logs = std::move(logs);
      return t.emit(std::move(e));
    }
  }
  if (policy == on_error::fallback && node.fallback.node != no_index && !what.fallback) {
    const slot_ref other{at.scope, node.fallback.node};
    auto parameters = parameters_of(t, other, null_value());
    if (parameters) {
      if (what.status == step_status::running && what.attempt > 0)
        t.emit(events::node_retrying{t.place_at(at), what.attempt, error, t.c.now, logs});
      return emit_scheduled(t, at, t.node_at(other), t.keep(json::value(std::move(*parameters))),
                            true);
    }
  }
  if (policy == on_error::stop && t.p.continue_on_error)
    policy = on_error::continue_;
  const auto outcome = policy == on_error::continue_      ? failure_outcome::continued
                       : policy == on_error::error_output ? failure_outcome::error_port
                                                          : failure_outcome::stop;
  t.emit(events::node_failed{t.place_at(at), what.attempt, std::move(error), outcome,
                             std::move(logs)});
}

refusal apply(turn& t, const commands::finish_attempt& c) {
  const auto at = locate(t.p, c.at);
  if (at.node == no_index || !in_flight(t, c, at))
    return ignored("gone", "This attempt has ended already.");
  const auto& outcome = c.outcome;
  if (outcome.succeeded) {
    events::node_completed e;
    e.at = c.at;
    e.attempt = c.attempt;
    e.ports = kept(t, outcome.ports);
    e.created_source_ids = outcome.created_source_ids;
    e.created_note_ids = outcome.created_note_ids;
    e.logs = outcome.logs;
    e.usage = outcome.usage;
    e.fallback = t.slot_at(at).fallback;
    emit_values(t, at, e.ports);
    t.emit(std::move(e));
    return {};
  }
  if (outcome.error.code == "worker_lost") {
    interrupt(t, at);
    return {};
  }
  const auto& what = t.slot_at(at);
  if (outcome.error.retryable && tries(what) < what.max_attempts && !what.fallback)
    retry_later(t, at, outcome);
  else
    fail(t, at, outcome.error, outcome.logs);
  return {};
}

refusal apply(turn& t, const commands::recover&) {
  std::vector<slot_ref> running;
  for (const auto& [key, place] : t.s.scopes)
    for (std::uint32_t i = 0; i < place.slots.size(); ++i)
      if (const auto node = t.p.regions[key.region].nodes[i];
          place.slots[i].status == step_status::running && t.p.nodes[node].kind == node_kind::skill)
        running.push_back({key, node});
  if (terminal(t.s.status))
    return ignored("finished", "The run has ended.");
  for (const auto& at : running) {
    if (terminal(t.s.status))
      break;
    interrupt(t, at);
  }
  return {};
}

} // namespace troupe::deciding

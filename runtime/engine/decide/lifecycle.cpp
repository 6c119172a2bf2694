// A run's life as a whole: start, admission, pause, cancel, retry, end.
#include "runtime/engine/decide/turn.hpp"

#include <algorithm>
#include <set>

namespace troupe::deciding {

namespace {

/// The node itself and all that depends on it, for starts that run only a part.
std::set<node_index> selection(const plan& p, const events::execution_started& start) {
  std::set<node_index> chosen;
  const auto first = find_node(p, start.only_node.empty() ? start.from_node : start.only_node);
  if (first == no_index)
    return chosen;
  chosen.insert(first);
  std::vector<node_index> open{first};
  while (start.only_node.empty() && !open.empty()) {
    const auto n = open.back();
    open.pop_back();
    for (auto e : p.nodes[n].out)
      if (chosen.insert(p.edges[e].target).second)
        open.push_back(p.edges[e].target);
  }
  return chosen;
}

/// Everything outside the selection ends at once: with the result of the earlier run, or skipped.
void preset(turn& t) {
  const auto& start = t.s.start;
  if (start.only_node.empty() && start.from_node.empty())
    return;
  const auto chosen = selection(t.p, start);
  for (const auto n : t.p.regions[0].nodes) {
    const slot_ref at{{}, n};
    if (chosen.contains(n) || t.p.nodes[n].detached || t.slot_at(at).out != resolution::none)
      continue;
    const auto reused = std::find_if(start.reused.begin(), start.reused.end(),
                                     [&](const auto& one) { return one.node == t.p.nodes[n].id; });
    if (reused == start.reused.end()) {
      t.emit(events::node_skipped{t.place_at(at), skip_kind::not_selected, "Not selected", {}});
      continue;
    }
    events::node_completed e;
    e.at = t.place_at(at);
    e.ports = reused->ports;
    e.reused = true;
    t.emit(std::move(e));
  }
}

void begin(turn& t) {
  if (t.s.start.disabled)
    return finish(t, run_status::cancelled,
                  error_info{"workflow_disabled", "Workflow is disabled", 0, false, {}});
  preset(t);
}

refusal finished(const turn& t) {
  if (!terminal(t.s.status))
    return {};
  return refused(failure_kind::conflict, "execution_finished",
                 "The execution has ended: " + std::string{to_text(t.s.status)} + ".");
}

void withdraw(turn& t, const slot_ref& at) {
  const auto wait = t.slot_at(at).wait;
  if (wait == wait_kind::child)
    t.emit(events::child_cancelled{t.place_at(at), t.slot_at(at).child});
  if (wait == wait_kind::review)
    t.emit(events::review_decided{
        t.place_at(at), t.slot_at(at).name, review_decision::withdrawn, {}, {}, {}});
}

/// Mapped and named outputs; what the steps gave is in their own events.
result<json::object> outputs_of(turn& t) {
  json::object all;
  for (const auto& [key, what] : t.p.output_mapping) {
    auto value = t.render(what, run_names{t.p, t.s, t.c.blobs, {}, null_value()});
    if (!value)
      return std::move(value).error();
    all.insert_or_assign(key, std::move(*value));
  }
  for (const auto n : t.p.regions[0].nodes) {
    const auto& node = t.p.nodes[n];
    const auto& what = t.slot_at({{}, n});
    if (node.kind != node_kind::output || what.status != step_status::success || what.ports.empty())
      continue;
    auto value = what.ports.front().value.get(t.c.blobs);
    if (!value)
      return std::move(value).error();
    const auto* name = node.constants.if_contains("name");
    all.insert_or_assign(name && name->is_string() ? std::string_view{name->get_string()}
                                                   : std::string_view{node.id},
                         **value);
  }
  return all;
}

} // namespace

void finish(turn& t, run_status status, std::optional<error_info> error, std::string error_node) {
  std::vector<slot_ref> waiting;
  for (const auto& [key, place] : t.s.scopes)
    for (std::uint32_t i = 0; i < place.slots.size(); ++i)
      if (place.slots[i].status == step_status::waiting)
        waiting.push_back({key, t.p.regions[key.region].nodes[i]});
  for (const auto& at : waiting)
    withdraw(t, at);
  const auto timers = t.s.timers;
  for (const auto& [timer, info] : timers)
    t.emit(events::timer_cancelled{timer, info.due});
  events::execution_finished e;
  e.status = status;
  e.error = std::move(error);
  e.error_node = std::move(error_node);
  if (status == run_status::success || status == run_status::partial)
    if (auto outputs = outputs_of(t))
      e.output = t.keep(json::value(std::move(*outputs)));
  t.emit(std::move(e));
}

void conclude(turn& t) {
  const auto& c = t.s.counters;
  const bool failed = c.failed_root + c.continued > 0;
  const auto status = !failed           ? run_status::success
                      : c.succeeded > 0 ? run_status::partial
                                        : run_status::failed;
  if (const auto outputs = outputs_of(t); !outputs && !failed)
    return finish(t, run_status::failed,
                  error_info{"output_mapping",
                             "An output could not be computed: " + outputs.error().message,
                             0,
                             false,
                             {}});
  finish(t, status, t.s.error, t.s.error_node);
}

refusal apply(turn& t, const commands::start& c) {
  if (t.s.seq != 0)
    return refused(failure_kind::conflict, "already_started", "The execution has started already.");
  auto e = c.what;
  const auto kept = [&](const value_ref& v) { return t.keep(v); };
  e.semantics = semantics_current;
  if (e.interruptions_max == 0)
    e.interruptions_max = t.c.interruptions_max;
  e.input = e.input.empty() ? value_ref{null_value()} : kept(e.input);
  for (auto& one : e.reused)
    for (auto& port : one.ports)
      port.value = kept(port.value);
  if (!e.deadline) {
    const auto timeout = t.p.timeout.count() > 0 ? t.p.timeout : t.c.default_run_timeout;
    if (timeout.count() > 0)
      e.deadline = t.c.now + timeout;
  }
  const bool queued = e.queued && !e.disabled;
  e.queued = queued;
  t.emit(std::move(e));
  if (!queued)
    begin(t);
  return {};
}

refusal apply(turn& t, const commands::admit&) {
  if (t.s.status != run_status::queued)
    return ignored("not_queued", "The execution is not queued.");
  t.emit(events::execution_admitted{});
  begin(t);
  return {};
}

refusal apply(turn& t, const commands::cancel& c) {
  if (auto no = finished(t))
    return no;
  finish(t, run_status::cancelled,
         error_info{"cancelled", c.reason.empty() ? "Cancelled by user" : c.reason, 0, false, {}});
  return {};
}

/// Ends the run without looking at what it holds: that is what failed.
refusal apply(turn& t, const commands::quarantine& c) {
  if (terminal(t.s.status))
    return ignored("finished", "The run has ended.");
  finish(t, run_status::failed, error_info{"quarantined", c.reason, 0, false, {}});
  return {};
}

refusal apply(turn& t, const commands::pause& c) {
  if (auto no = finished(t))
    return no;
  if (t.s.paused)
    return refused(failure_kind::conflict, "already_paused", "The execution is paused already.");
  t.emit(events::execution_paused{c.by});
  return {};
}

refusal apply(turn& t, const commands::resume& c) {
  if (auto no = finished(t))
    return no;
  if (!t.s.paused)
    return refused(failure_kind::conflict, "not_paused", "The execution is not paused.");
  t.emit(events::execution_resumed{c.by});
  return {};
}

refusal apply(turn& t, const commands::retry& c) {
  if (!terminal(t.s.status))
    return refused(failure_kind::conflict, "execution_running",
                   "Only an execution that has ended can be retried.");
  events::execution_retried e;
  e.attempt = t.s.attempt + 1;
  e.overrides = c.overrides;
  e.by = c.by;
  if (!c.input.empty())
    e.input = t.keep(c.input);
  if (c.from.empty() || c.from == "failed") {
    if (t.s.status == run_status::success)
      return refused(failure_kind::conflict, "nothing_failed",
                     "Nothing failed: name the node to run again from.");
  } else {
    const auto n = find_node(t.p, c.from);
    if (n == no_index || t.p.nodes[n].region != 0)
      return refused(failure_kind::invalid, "node_unknown",
                     "There is no node '" + c.from + "' to run again from.");
    e.from.push_back(t.p.nodes[n].id);
  }
  const auto timeout = t.p.timeout.count() > 0 ? t.p.timeout : t.c.default_run_timeout;
  if (timeout.count() > 0)
    e.deadline = t.c.now + timeout;
  t.emit(std::move(e));
  return {};
}

refusal apply(turn& t, const commands::proceed&) {
  if (terminal(t.s.status))
    return ignored("finished", "The run has ended.");
  return {};
}

} // namespace troupe::deciding

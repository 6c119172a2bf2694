// The Execution of the API.
#include "runtime/engine/report.hpp"
#include "runtime/engine/report_text.hpp"

#include <algorithm>

namespace troupe {

namespace reporting {

void write_output(std::string& out, step_status status, const std::string& reason,
                  const std::vector<port_value>& ports, blob_port& blobs) {
  if (status == step_status::skipped) {
    out.append("{\"skipped\":true,\"reason\":");
    json::write_string(out, reason);
    out.push_back('}');
    return;
  }
  const auto loaded =
      ports.empty() || !terminal(status) ? null_value() : ports.front().value.get(blobs);
  if (loaded)
    json::write(out, **loaded);
  else
    out.append("null");
}

} // namespace reporting

namespace {

using namespace reporting;

/// What is shown of a step, from wherever it is known.
struct step_view {
  const plan_node& node;
  const iteration_path& iteration;
  step_status status;
  std::uint32_t attempt;
  const std::optional<instant>&started, &ended;
  const std::vector<port_value>& ports;
  const std::string& reason;
  const std::optional<error_info>& error;
};

step_view view_of(const plan_node& node, const iteration_path& path, const slot& what) {
  return {node,       path,       what.status, what.attempt, what.started,
          what.ended, what.ports, what.reason, what.error};
}
step_view view_of(const plan_node& node, const step_record& step) {
  return {node,       step.iteration, step.status, step.attempt, step.started,
          step.ended, step.ports,     step.reason, step.error};
}

/// Fallback nodes that were never used are no steps.
bool shown(const plan_node& node, step_status status) noexcept {
  return !node.detached || status != step_status::pending;
}

void write_step(std::string& out, const step_view& step, blob_port& blobs) {
  text_object o{out};
  o.text("step_id", step.node.id);
  o.text("name", step.node.name);
  o.text("type", step.node.type);
  o.text("subtype", step.node.subtype);
  if (!step.node.skill_type.empty())
    o.text("skill_type", step.node.skill_type);
  o.iteration(step.iteration);
  o.text("status", to_text(step.status));
  o.number("attempt", step.attempt);
  o.number("max_attempts", step.node.retry.max_attempts);
  o.time("started_at", step.started);
  o.time("completed_at", step.ended);
  o.seconds("duration_seconds", step.started, step.ended);
  write_output(o.key("output"), step.status, step.reason, step.ports, blobs);
  o.error("error", step.error, step.node.id, blobs);
  o.close();
}

struct steps_writer {
  const plan& p;
  const run_state& s;
  blob_port& blobs;
  std::string& out;
  bool first = true;

  void put(const step_view& step) {
    if (!shown(step.node, step.status))
      return;
    if (!first)
      out.push_back(',');
    first = false;
    write_step(out, step, blobs);
  }
  /// A run that was never admitted has no scope: its steps are all pending.
  void root() {
    static const iteration_path no_path;
    const slot untouched;
    const auto scope = s.scopes.find({});
    for (const auto n : p.regions[0].nodes)
      put(view_of(p.nodes[n], no_path,
                  scope == s.scopes.end() ? untouched : scope->second.slots[p.nodes[n].slot]));
  }
  void live_iterations() {
    for (const auto& [key, place] : s.scopes)
      if (key.region != 0)
        for (std::uint32_t i = 0; i < place.slots.size(); ++i)
          put(view_of(p.nodes[p.regions[key.region].nodes[i]], key.path, place.slots[i]));
  }
  void all_iterations(const run_history& history) {
    for (const auto& [key, step] : history.steps()) {
      const auto node = p.by_id.find(step.node);
      if (!step.iteration.empty() && node != p.by_id.end())
        put(view_of(p.nodes[node->second], step));
    }
  }
};

void write_texts(std::string& out, const std::vector<std::string>* list) {
  static const std::vector<std::string> none;
  write_list(out, list ? *list : none, [&](const auto& one) { json::write_string(out, one); });
}

/// Every root step's status and output, by id.
void write_step_outputs(std::string& out, const plan& p, const run_state& s, blob_port& blobs) {
  text_object all{out};
  const auto scope = s.scopes.find({});
  if (scope != s.scopes.end())
    for (const auto n : p.regions[0].nodes) {
      const auto& node = p.nodes[n];
      const auto& what = scope->second.slots[node.slot];
      if (!shown(node, what.status))
        continue;
      text_object o{all.key(node.id)};
      o.text("status", to_text(what.status));
      write_output(o.key("output"), what.status, what.reason, what.ports, blobs);
      o.close();
    }
  all.close();
}

/// Mapped and named outputs win over the members that every run has.
void write_run_output(std::string& out, const plan& p, const run_state& s, blob_port& blobs,
                      const run_history* history) {
  if (!terminal(s.status)) {
    out.append("null");
    return;
  }
  const auto loaded = s.output.get(blobs);
  const json::object none;
  const auto* named = loaded ? (*loaded)->if_object() : nullptr;
  const auto& mapped = named ? *named : none;
  text_object o{out};
  for (const auto& [name, v] : mapped)
    o.value(name, v);
  if (!mapped.contains("steps"))
    write_step_outputs(o.key("steps"), p, s, blobs);
  if (!mapped.contains("sources_created"))
    write_texts(o.key("sources_created"), history ? &history->created_sources() : nullptr);
  if (!mapped.contains("notes_created"))
    write_texts(o.key("notes_created"), history ? &history->created_notes() : nullptr);
  o.close();
}

double success_rate(const run_counters& c) noexcept {
  return c.all == 0 ? 0.0 : static_cast<double>(c.succeeded) / static_cast<double>(c.all);
}

void write_head(text_object& o, const run_state& s) {
  o.text("id", to_text(s.id));
  o.text("workflow_id", s.start.workflow_id);
  o.text("workflow_name", s.start.workflow_name);
  o.number("workflow_version", s.start.workflow_version);
  o.text("status", to_text(visible_status(s)));
  o.text("trigger_type", s.start.trigger_type);
  o.text_or_null("triggered_by", s.start.triggered_by);
  o.text_or_null("priority", s.start.priority);
  o.flag("dry_run", s.start.dry_run);
}

void write_timings(text_object& o, const run_state& s) {
  o.time("created_at", s.created);
  o.time("started_at", s.started);
  o.time("completed_at", s.ended);
  o.seconds("duration_seconds", s.started, s.ended);
  o.time("deadline", s.deadline);
  o.real("success_rate", success_rate(s.counters));
  o.number("attempt", s.attempt);
  if (s.start.parent)
    o.text("parent_execution_id", to_text(s.start.parent->run));
  else
    o.null("parent_execution_id");
  o.text_or_null("trace_id", s.start.trace_id);
}

} // namespace

std::string execution_json(const plan& p, const run_state& s, blob_port& blobs,
                           const run_history* history) {
  std::string out;
  out.reserve(1024 + 320 * p.nodes.size());
  text_object o{out};
  write_head(o, s);
  o.value("input", s.start.input, blobs);
  write_run_output(o.key("output"), p, s, blobs, history);
  o.error("error", s.error, s.error_node, blobs);
  write_timings(o, s);
  o.value("usage", history ? history->usage() : run_history{}.usage());
  write_texts(o.key("created_source_ids"), history ? &history->created_sources() : nullptr);
  write_texts(o.key("created_note_ids"), history ? &history->created_notes() : nullptr);
  o.key("steps").push_back('[');
  steps_writer steps{p, s, blobs, out};
  steps.root();
  if (history)
    steps.all_iterations(*history);
  else
    steps.live_iterations();
  out.push_back(']');
  o.number("last_seq", s.seq);
  o.close();
  return out;
}

} // namespace troupe

#include "actors/run/run_spans.hpp"

namespace troupe {

namespace {

/// Who asked for it: the request, or the parent's run.
std::uint64_t parent_of(const run_state& s) {
  if (s.start.parent)
    return run_span(s.start.parent->run, 1);
  return s.start.trace_id.empty() ? 0 : request_span(s.id);
}

std::string_view code_or(const error_info& error, std::string_view otherwise) {
  return error.code.empty() ? otherwise : std::string_view(error.code);
}

} // namespace

void run_spans::resume(const plan& p, const run_state& s) {
  for (const auto& [scope, place] : s.scopes)
    for (std::size_t i = 0; i < place.slots.size(); ++i) {
      const auto& what = place.slots[i];
      const auto node = p.regions[scope.region].nodes[i];
      if (what.status == step_status::running && what.attempt > 0 && !what.skill.empty())
        open_[{p.nodes[node].id, scope.path}] = {what.attempt, what.started.value_or(s.created),
                                                 what.skill};
    }
}

void run_spans::add(const run_state& after, const std::vector<event>& turn) {
  for (const auto& e : turn) {
    if (const auto* scheduled = std::get_if<events::node_scheduled>(&e.what)) {
      begin(after, *scheduled, e.time);
    } else if (const auto* completed = std::get_if<events::node_completed>(&e.what)) {
      end(after, completed->at, e.time, {});
    } else if (const auto* failed = std::get_if<events::node_failed>(&e.what)) {
      end(after, failed->at, e.time, code_or(failed->error, "failed"), failed->error.status);
    } else if (const auto* again = std::get_if<events::node_retrying>(&e.what)) {
      end(after, again->at, e.time, code_or(again->error, "failed"), again->error.status);
    } else if (const auto* lost = std::get_if<events::attempt_interrupted>(&e.what)) {
      end(after, lost->at, e.time, "interrupted");
    } else if (std::holds_alternative<events::execution_retried>(e.what)) {
      round_ = e.time;
    } else if (const auto* finished = std::get_if<events::execution_finished>(&e.what)) {
      finish(after, *finished, e.time);
    }
  }
}

void run_spans::begin(const run_state& s, const events::node_scheduled& what, instant now) {
  end(s, what.at, now, "superseded");
  open_[{what.at.node, what.at.iteration}] = {what.attempt, now, what.skill};
}

void run_spans::end(const run_state& s, const place& at, instant now, std::string_view code,
                    std::uint32_t status) {
  const auto found = open_.find({at.node, at.iteration});
  if (found == open_.end())
    return;
  const auto& what = found->second;
  trace_span out;
  out.trace_id = trace_of(s.id, s.start.trace_id);
  out.id = attempt_span(s.id, at, what.attempt);
  out.parent = run_span(s.id, s.attempt);
  out.name = "step " + short_text(at.node);
  out.kind = what.skill == "http_request" ? span_kind::client : span_kind::internal;
  out.start = what.since;
  out.end = now;
  out.failed = !code.empty();
  out.error = short_text(code);
  out.attributes = {{"troupe.execution_id", to_text(s.id)},
                    {"troupe.step_id", short_text(at.node)},
                    {"troupe.attempt", std::int64_t{what.attempt}},
                    {"troupe.skill", short_text(what.skill)}};
  if (!at.iteration.empty())
    out.attributes.emplace_back("troupe.iteration", to_text(at.iteration));
  if (status != 0)
    out.attributes.emplace_back("http.response.status_code", std::int64_t{status});
  open_.erase(found);
  to_.add(std::move(out));
}

void run_spans::end_all(const run_state& s, instant now) {
  while (!open_.empty()) {
    const auto [node, iteration] = open_.begin()->first;
    end(s, {node, iteration}, now, "cancelled");
  }
}

void run_spans::finish(const run_state& s, const events::execution_finished& what, instant now) {
  end_all(s, now);
  trace_span out;
  out.trace_id = trace_of(s.id, s.start.trace_id);
  out.id = run_span(s.id, s.attempt);
  out.parent = parent_of(s);
  out.name = "execution " + short_text(s.start.workflow_name);
  out.start = round_.value_or(s.created);
  out.end = now;
  out.failed = what.status == run_status::failed || what.status == run_status::timed_out;
  if (out.failed)
    out.error = short_text(code_or(what.error.value_or(error_info{}), to_text(what.status)));
  out.attributes = {{"troupe.execution_id", to_text(s.id)},
                    {"troupe.workflow_id", short_text(s.start.workflow_id)},
                    {"troupe.workflow_version", std::int64_t{s.start.workflow_version}},
                    {"troupe.trigger_type", short_text(s.start.trigger_type)},
                    {"troupe.status", std::string(to_text(what.status))},
                    {"troupe.round", std::int64_t{s.attempt}}};
  to_.add(std::move(out));
}

} // namespace troupe

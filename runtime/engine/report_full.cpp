// The report of a run and its log lines, from all its events.
#include "runtime/engine/report.hpp"
#include "runtime/engine/report_text.hpp"
#include "runtime/engine/words.hpp"

#include <algorithm>

namespace troupe {

namespace {

using namespace reporting;

constexpr std::size_t slowest_max = 5;

run_history history_of(std::span<const event> all) {
  run_history history;
  for (const auto& e : all)
    history.add(e);
  return history;
}

/// "a", or "a[3/0]" in an iteration.
std::string name_of(const step_record& step) {
  return step.iteration.empty() ? step.node : step.node + "[" + to_text(step.iteration) + "]";
}

void write_summary(std::string& out, const run_state& s, blob_port& blobs) {
  const auto& c = s.counters;
  text_object o{out};
  o.text("execution_id", to_text(s.id));
  o.text("workflow_id", s.start.workflow_id);
  o.text("workflow_name", s.start.workflow_name);
  o.number("workflow_version", s.start.workflow_version);
  o.text("status", to_text(visible_status(s)));
  o.time("started_at", s.started);
  o.time("completed_at", s.ended);
  o.seconds("duration_seconds", s.started, s.ended);
  o.number("steps", c.all);
  o.number("succeeded", c.succeeded);
  o.number("failed", c.failed);
  o.number("skipped", c.skipped);
  o.number("attempts", c.scheduled);
  o.error("error", s.error, s.error_node, blobs);
  o.close();
}

/// Writes the entry of an event that ends a step; other events have none.
struct path_writer {
  std::string& out;
  const event& e;
  bool& first;

  void put(const place& at, std::string_view status) const {
    if (!first)
      out.push_back(',');
    first = false;
    text_object o{out};
    o.number("seq", e.seq);
    o.time("time", e.time);
    o.text("step_id", at.node);
    o.iteration(at.iteration);
    o.text("status", status);
    o.close();
  }
  void operator()(const events::node_completed& x) const { put(x.at, "success"); }
  void operator()(const events::node_failed& x) const { put(x.at, "failed"); }
  void operator()(const events::node_skipped& x) const { put(x.at, "skipped"); }
  template <class Event> void operator()(const Event&) const {}
};

void write_path(std::string& out, std::span<const event> all) {
  out.push_back('[');
  bool first = true;
  for (const auto& e : all)
    std::visit(path_writer{out, e, first}, e.what);
  out.push_back(']');
}

struct error_writer {
  std::string& out;
  const event& e;
  blob_port& blobs;
  bool& first;

  void put(const place& at, std::uint32_t attempt, const error_info& error,
           std::string_view outcome) const {
    if (!first)
      out.push_back(',');
    first = false;
    text_object o{out};
    o.number("seq", e.seq);
    o.time("time", e.time);
    o.text("node", at.node);
    o.iteration(at.iteration);
    o.number("attempt", attempt);
    o.text("code", error.code);
    o.text("message", error.message);
    if (error.status != 0)
      o.number("status", error.status);
    o.text("outcome", outcome);
    o.close();
  }
  void operator()(const events::node_failed& x) const {
    put(x.at, x.attempt, x.error, words::to_word(x.outcome));
  }
  void operator()(const events::node_retrying& x) const {
    put(x.at, x.attempt, x.error, "retrying");
  }
  template <class Event> void operator()(const Event&) const {}
};

void write_errors(std::string& out, std::span<const event> all, blob_port& blobs) {
  out.push_back('[');
  bool first = true;
  for (const auto& e : all)
    std::visit(error_writer{out, e, blobs, first}, e.what);
  out.push_back(']');
}

void write_inputs(std::string& out, const run_history& history, blob_port& blobs) {
  text_object o{out};
  for (const auto& [key, step] : history.steps()) {
    if (step.parameters.empty())
      continue;
    const auto loaded = step.parameters.get(blobs);
    o.value(name_of(step), loaded ? *masked(*loaded) : json::value(nullptr));
  }
  o.close();
}

void write_outputs(std::string& out, const run_history& history, blob_port& blobs) {
  text_object o{out};
  for (const auto& [key, step] : history.steps())
    if (terminal(step.status))
      write_output(o.key(name_of(step)), step.status, step.reason, step.ports, blobs);
  o.close();
}

milliseconds duration_of(const step_record& step) {
  return step.started && step.ended ? *step.ended - *step.started : milliseconds{0};
}

void write_metrics(std::string& out, const run_state& s, const run_history& history) {
  std::vector<const step_record*> steps;
  std::uint64_t attempts = 0, retries = 0;
  milliseconds busy{0};
  for (const auto& [key, step] : history.steps()) {
    steps.push_back(&step);
    attempts += step.attempt;
    retries += step.attempt > 1 ? step.attempt - 1 : 0;
    busy += duration_of(step);
  }
  std::stable_sort(steps.begin(), steps.end(),
                   [](const auto* a, const auto* b) { return duration_of(*a) > duration_of(*b); });
  steps.resize(std::min(steps.size(), slowest_max));
  text_object o{out};
  o.seconds("duration_seconds", s.started, s.ended);
  o.real("step_seconds", static_cast<double>(busy.count()) / 1000.0);
  o.number("attempts", attempts);
  o.number("retries", retries);
  o.value("usage", history.usage());
  write_list(o.key("slowest_steps"), steps, [&](const step_record* step) {
    text_object one{out};
    one.text("step_id", step->node);
    one.iteration(step->iteration);
    one.seconds("duration_seconds", step->started, step->ended);
    one.number("attempts", step->attempt);
    one.close();
  });
  o.close();
}

} // namespace

std::string execution_report(const plan&, const run_state& s, std::span<const event> all,
                             blob_port& blobs) {
  const auto history = history_of(all);
  std::string out;
  text_object o{out};
  write_summary(o.key("execution_summary"), s, blobs);
  write_path(o.key("execution_path"), all);
  write_inputs(o.key("node_inputs"), history, blobs);
  write_outputs(o.key("node_outputs"), history, blobs);
  write_metrics(o.key("performance_metrics"), s, history);
  write_errors(o.key("errors"), all, blobs);
  o.close();
  return out;
}

std::string execution_logs(std::span<const event> all) {
  const auto history = history_of(all);
  std::string out;
  text_object o{out};
  write_list(o.key("items"), history.logs(), [&](const log_line& line) {
    text_object one{out};
    one.time("time", line.time);
    one.text_or_null("node", line.node);
    one.iteration(line.iteration);
    one.text("level", line.level);
    one.text("message", line.message);
    one.close();
  });
  o.close();
  return out;
}

} // namespace troupe

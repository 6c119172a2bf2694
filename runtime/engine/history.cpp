#include "runtime/engine/history.hpp"

namespace troupe {

namespace {

void unite(std::vector<std::string>& all, std::set<std::string>& known,
           const std::vector<std::string>& more) {
  for (const auto& one : more)
    if (known.insert(one).second)
      all.push_back(one);
}

/// Integers stay integers while they fit.
void add_number(json::value& sum, const json::value& more) {
  std::int64_t total = 0;
  if (sum.is_int64() && more.is_int64() &&
      !__builtin_add_overflow(sum.get_int64(), more.get_int64(), &total))
    sum = total;
  else
    sum = sum.to_number<double>() + more.to_number<double>();
}

void add_usage(json::object& all, const shared_value& usage) {
  if (!usage || !usage->is_object())
    return;
  for (const auto& [name, v] : usage->get_object()) {
    if (!v.is_number())
      continue;
    auto& sum = all[name];
    if (sum.is_null())
      sum = 0;
    add_number(sum, v);
  }
}

} // namespace

/// Folds one event; kinds that say nothing about steps do nothing.
struct run_history::folding {
  run_history& all;
  instant time;

  void log(const place& at, std::string_view level, std::string message) const {
    all.logs_.push_back({time, at.node, at.iteration, std::string{level}, std::move(message)});
  }
  /// Lines are texts or {level, message}.
  void logs(const place& at, const shared_value& lines) const {
    if (!lines || !lines->is_array())
      return;
    for (const auto& line : lines->get_array())
      if (const auto* text = line.if_string())
        log(at, "info", std::string{std::string_view{*text}});
      else if (line.is_object())
        log(at, json::text_or(line, "level", "info"),
            std::string{json::text_or(line, "message", {})});
  }
  step_record& begun(const place& at, step_status status) const {
    auto& step = all.at(at);
    if (terminal(step.status)) { // the run was retried: the step starts anew
      const auto attempt = step.attempt;
      step = {at.node, at.iteration, status, attempt, 1, {}, {}, {}, {}, {}, {}};
    }
    step.status = status;
    if (!step.started)
      step.started = time;
    return step;
  }
  step_record& ended(const place& at, step_status status) const {
    auto& step = begun(at, status);
    step.status = status;
    step.ended = time;
    return step;
  }

  void operator()(const events::node_scheduled& e) const {
    auto& step = begun(e.at, step_status::running);
    step.attempt = e.attempt;
    step.max_attempts = e.max_attempts;
    step.parameters = e.parameters;
  }
  void operator()(const events::loop_started& e) const { begun(e.at, step_status::running); }
  void operator()(const events::node_waiting& e) const { begun(e.at, step_status::waiting); }
  void operator()(const events::review_opened& e) const { begun(e.at, step_status::waiting); }
  void operator()(const events::child_started& e) const { begun(e.at, step_status::waiting); }
  void operator()(const events::attempt_interrupted& e) const {
    begun(e.at, step_status::retrying);
    log(e.at, "warning", "attempt " + std::to_string(e.attempt) + " was interrupted");
  }
  void operator()(const events::node_retrying& e) const {
    begun(e.at, step_status::retrying).error = e.error;
    logs(e.at, e.logs);
    log(e.at, "warning", "attempt " + std::to_string(e.attempt) + " failed: " + e.error.message);
  }
  void operator()(const events::node_completed& e) const {
    auto& step = ended(e.at, step_status::success);
    step.ports = e.ports;
    step.error.reset();
    unite(all.sources_, all.known_sources_, e.created_source_ids);
    unite(all.notes_, all.known_notes_, e.created_note_ids);
    add_usage(all.usage_, e.usage);
    logs(e.at, e.logs);
  }
  void operator()(const events::node_failed& e) const {
    const bool timed_out = e.error.code == "timeout" && e.outcome != failure_outcome::blocked;
    auto& step = ended(e.at, timed_out ? step_status::timed_out : step_status::failed);
    step.ports.clear();
    step.error = e.error;
    logs(e.at, e.logs);
    log(e.at, "error", e.error.code + ": " + e.error.message);
  }
  void operator()(const events::node_skipped& e) const {
    ended(e.at, step_status::skipped).reason = e.reason;
    if (!e.warning.empty())
      log(e.at, "warning", e.warning);
  }
  void operator()(const events::execution_finished& e) const {
    const bool stopped = e.status == run_status::timed_out;
    for (auto& [key, step] : all.steps_)
      if (!terminal(step.status)) {
        step.status = stopped ? step_status::timed_out : step_status::cancelled;
        step.ended = time;
      }
  }
  template <class Event> void operator()(const Event&) const {}
};

run_history::run_history()
    : usage_{{"prompt_tokens", 0}, {"completion_tokens", 0}, {"total_tokens", 0}, {"cost", 0}} {}

step_record& run_history::at(const place& where) {
  auto& step = steps_[{where.iteration, where.node}];
  if (step.node.empty()) {
    step.node = where.node;
    step.iteration = where.iteration;
  }
  return step;
}

void run_history::add(const event& e) {
  std::visit(folding{*this, e.time}, e.what);
}

} // namespace troupe

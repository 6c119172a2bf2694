#include "actors/gateway/request_span.hpp"

#include <algorithm>
#include <array>

namespace troupe::gate {

namespace {

/// What workers say of their tasks is not here: the attempt's own span tells it.
constexpr std::array<std::string_view, 16> traced_handlers{
    "execute_workflow", "execute_node",           "execute_node_type", "execute_block",
    "execute_skill",    "execute_skill_instance", "submit_job",        "signal_execution",
    "retry_execution",  "requeue_dead_letter",    "cancel_execution",  "pause_execution",
    "resume_execution", "delete_execution",       "decide_reviews",    "cancel_job"};

/// A run of the path, where the path names one.
std::string named_run(const call& c) {
  if (c.row().handler.starts_with("execute_")) // there it is a workflow's
    return {};
  const auto run = run_id_from_text(c.match.parameter("id"));
  return run ? to_text(*run) : std::string{};
}

} // namespace

void trace_request(const call& c, std::uint64_t span, unsigned status,
                   std::chrono::nanoseconds took) {
  const auto& row = c.row();
  if (std::ranges::find(traced_handlers, row.handler) == traced_handlers.end())
    return;
  trace_span out;
  out.trace_id = c.trace_id;
  out.id = span;
  out.parent = c.parent_span;
  out.kind = span_kind::server;
  out.end = c.engine().now();
  out.start = std::chrono::floor<milliseconds>(out.end - took);
  out.name = std::string(rest::to_text(row.verb)) + " " + std::string(row.pattern);
  out.failed = status >= 500;
  if (out.failed)
    out.error = std::to_string(status);
  out.attributes = {{"http.request.method", std::string(rest::to_text(row.verb))},
                    {"http.route", std::string(row.pattern)},
                    {"http.response.status_code", std::int64_t{status}},
                    {"troupe.request_id", short_text(c.request_id)}};
  if (const auto run = c.run ? to_text(*c.run) : named_run(c); !run.empty())
    out.attributes.emplace_back("troupe.execution_id", run);
  c.home->settings.spans->add(std::move(out));
}

} // namespace troupe::gate

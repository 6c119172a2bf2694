// The fields of every event, once: codec, tests and documentation read this list.
// `visit(name, member)` is called in the stored order. `at` and `attempt` are stored beside `data`.
#pragma once

#include "runtime/engine/event.hpp"

namespace troupe::events {

#define TROUPE_FIELDS(type, ...)                                                                   \
  template <class F> void each_field(type& s, F&& f) {                                             \
    (void)s;                                                                                       \
    (void)f;                                                                                       \
    __VA_ARGS__                                                                                    \
  }                                                                                                \
  template <class F> void each_field(const type& s, F&& f) {                                       \
    (void)s;                                                                                       \
    (void)f;                                                                                       \
    __VA_ARGS__                                                                                    \
  }

TROUPE_FIELDS(execution_started, f("workflow_id", s.workflow_id);
              f("workflow_name", s.workflow_name); f("workflow_version", s.workflow_version);
              f("definition", s.definition); f("semantics", s.semantics); f("input", s.input);
              f("vars", s.vars); f("trigger_type", s.trigger_type);
              f("triggered_by", s.triggered_by); f("priority", s.priority);
              f("trace_id", s.trace_id); f("user", s.user); f("parent", s.parent);
              f("depth", s.depth); f("dry_run", s.dry_run); f("queued", s.queued);
              f("disabled", s.disabled); f("deadline", s.deadline); f("seed", s.seed);
              f("interruptions_max", s.interruptions_max); f("only_node", s.only_node);
              f("from_node", s.from_node); f("reused", s.reused); f("overrides", s.overrides);)
TROUPE_FIELDS(execution_admitted)
TROUPE_FIELDS(execution_paused, f("by", s.by);)
TROUPE_FIELDS(execution_resumed, f("by", s.by);)
TROUPE_FIELDS(execution_finished, f("status", s.status); f("output", s.output); f("error", s.error);
              f("error_node", s.error_node);)
TROUPE_FIELDS(execution_retried, f("attempt_number", s.attempt); f("from", s.from);
              f("overrides", s.overrides); f("deadline", s.deadline); f("by", s.by);
              f("input", s.input);)
TROUPE_FIELDS(node_scheduled, f("at", s.at); f("attempt", s.attempt);
              f("max_attempts", s.max_attempts); f("skill", s.skill); f("parameters", s.parameters);
              f("fallback", s.fallback);)
TROUPE_FIELDS(node_waiting, f("at", s.at); f("wait", s.wait); f("name", s.name);
              f("until", s.until);)
TROUPE_FIELDS(node_completed, f("at", s.at); f("attempt", s.attempt); f("ports", s.ports);
              f("created_source_ids", s.created_source_ids);
              f("created_note_ids", s.created_note_ids); f("logs", s.logs); f("usage", s.usage);
              f("fallback", s.fallback); f("reused", s.reused);)
TROUPE_FIELDS(node_failed, f("at", s.at); f("attempt", s.attempt); f("error", s.error);
              f("outcome", s.outcome); f("logs", s.logs);)
TROUPE_FIELDS(node_retrying, f("at", s.at); f("attempt", s.attempt); f("error", s.error);
              f("due", s.due); f("logs", s.logs);)
TROUPE_FIELDS(node_skipped, f("at", s.at); f("skip", s.skip); f("reason", s.reason);
              f("warning", s.warning);)
TROUPE_FIELDS(attempt_interrupted, f("at", s.at); f("attempt", s.attempt);)
TROUPE_FIELDS(timer_set, f("at", s.at); f("timer", s.timer); f("due", s.due);
              f("purpose", s.purpose);)
TROUPE_FIELDS(timer_fired, f("timer", s.timer); f("due", s.due);)
TROUPE_FIELDS(timer_cancelled, f("timer", s.timer); f("due", s.due);)
TROUPE_FIELDS(signal_received, f("name", s.name); f("data", s.data); f("message_id", s.message_id);)
TROUPE_FIELDS(signal_taken, f("at", s.at); f("name", s.name);)
TROUPE_FIELDS(review_opened, f("at", s.at); f("review", s.review); f("type", s.type);
              f("title", s.title); f("message", s.message); f("priority", s.priority);
              f("form", s.form); f("context", s.context); f("due", s.due);)
TROUPE_FIELDS(review_decided, f("at", s.at); f("review", s.review); f("decision", s.decision);
              f("data", s.data); f("message", s.message); f("by", s.by);)
TROUPE_FIELDS(child_started, f("at", s.at); f("child", s.child); f("workflow_id", s.workflow_id);
              f("workflow_version", s.workflow_version); f("input", s.input); f("depth", s.depth);)
TROUPE_FIELDS(child_cancelled, f("at", s.at); f("child", s.child);)
TROUPE_FIELDS(child_finished, f("at", s.at); f("child", s.child); f("status", s.status);
              f("output", s.output); f("error", s.error);)
TROUPE_FIELDS(loop_started, f("at", s.at); f("items", s.items); f("total", s.total);)
TROUPE_FIELDS(iteration_started, f("at", s.at); f("index", s.index); f("item", s.item);)
TROUPE_FIELDS(iteration_finished, f("at", s.at); f("index", s.index); f("result", s.result);
              f("failed", s.failed);)
TROUPE_FIELDS(results_stored, f("at", s.at); f("count", s.count); f("chunk", s.chunk);)
TROUPE_FIELDS(value_emitted, f("at", s.at); f("attempt", s.attempt); f("index", s.index);
              f("value", s.value);)
TROUPE_FIELDS(variable_set, f("at", s.at); f("name", s.name); f("value", s.value);)
TROUPE_FIELDS(turn_yielded)

#undef TROUPE_FIELDS

} // namespace troupe::events

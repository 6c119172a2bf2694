// Routes of executions and of reviews.
#include "net/rest/route.hpp"

namespace troupe::rest {

namespace {

using enum http::method;
using enum access;
using body = body_kind;

#define V1 "/api/v1"
#define EXECUTION V1 "/executions/{id}"

constexpr route executions_table[] = {
    {get, V1 "/executions", "list_executions", key, body::none, "Executions",
     "Lists executions, newest first",
     "limit cursor status trigger_type created_from created_to workflow_id user_id", "",
     "[execution_summary]", 200, "422"},
    {get, EXECUTION, "read_execution", key, body::none, "Executions",
     "Reads an execution with its steps", "", "", "execution", 200, "404"},
    {delete_, EXECUTION, "delete_execution", key, body::none, "Executions",
     "Removes a finished execution for ever", "", "", "", 204, "404 409"},
    {post, EXECUTION "/cancel", "cancel_execution", key, body::optional, "Executions",
     "Stops an execution", "", "cancel", "command_accepted", 200, "404 409"},
    {post, EXECUTION "/pause", "pause_execution", key, body::optional, "Executions",
     "Starts no further step until resumed", "", "", "command_accepted", 200, "404 409"},
    {post, EXECUTION "/resume", "resume_execution", key, body::optional, "Executions",
     "Goes on after a pause", "", "", "command_accepted", 200, "404 409"},
    {post, EXECUTION "/retry", "retry_execution", key, body::optional, "Executions",
     "Runs failed steps again in a new attempt", "", "retry", "command_accepted", 202,
     "404 409 422 429"},
    {post, EXECUTION "/replay", "replay_execution", key, body::optional, "Executions",
     "Rebuilds the state from the log and compares", "", "replay", "replay_report", 200, "404"},
    {post, EXECUTION "/signals/{name}", "signal_execution", key, body::optional, "Executions",
     "Sends a signal to an execution", "", "", "command_accepted", 202, "404 409 429"},
    {get, EXECUTION "/events", "list_events", key, body::none, "Executions",
     "The execution's events in order", "limit cursor since", "", "[event]", 200, "404 422"},
    {get, EXECUTION "/logs", "read_logs", key, body::none, "Executions", "Log lines of the steps",
     "limit cursor level", "", "[log_line]", 200, "404 422"},
    {get, EXECUTION "/report", "read_report", key, body::none, "Executions",
     "Summary, path, inputs, timings, errors", "", "", "report", 200, "404"},
    {get, EXECUTION "/stream", "stream_execution", key, body::none, "Executions",
     "Events as server-sent events", "since", "", "event_stream", 200, "404 422"},
    {get, EXECUTION "/children", "list_children", key, body::none, "Executions",
     "Executions that this one started", "limit cursor status", "", "[execution_summary]", 200,
     "404 422"},
    {get, EXECUTION "/reviews", "list_execution_reviews", key, body::none, "Reviews",
     "Reviews of an execution", "limit cursor status", "", "[review]", 200, "404 422"},
    {get, V1 "/reviews/pending", "list_pending_reviews", key, body::none, "Reviews",
     "Reviews that wait for a person", "limit cursor workflow_id", "", "[review]", 200, "422"},
    {post, V1 "/reviews/action", "decide_reviews", key, body::json, "Reviews",
     "Decides reviews of one execution", "", "review_action", "review_counts", 200, "404 409 422"},
};

#undef EXECUTION
#undef V1

} // namespace

std::span<const route> execution_routes() {
  return executions_table;
}

} // namespace troupe::rest

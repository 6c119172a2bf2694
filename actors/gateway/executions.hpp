// What several handlers do with executions. Private to this folder.
#pragma once

#include "actors/gateway/call.hpp"

namespace troupe::gate {

/// Sends a command, with the cache dropped before and after; refuses what the run refuses.
void command_run(const call_ptr& c, const run_id& run, commands::any what,
                 std::function<void(const done_at&)> answer);
/// Answers {execution_id, message} and what the engine adds.
std::function<void(const done_at&)> accepted(const call_ptr& c, const run_id& run, unsigned status,
                                             std::string message);
/// After which event a stream begins: Last-Event-ID, else `since`.
result<sequence_number> since_of(const http::request& r);
/// limit, cursor, status, trigger_type, created_from, created_to; false: refused.
bool read_run_filter(const call_ptr& c, execution_filter& what);
/// A page of the executions that `what` and the request's filters name, each as `shown` makes it.
void list_runs_as(const call_ptr& c, execution_filter what,
                  std::function<json::value(const json::value& execution)> shown);
/// The execution as text, from the cache when it is finished and there.
void read_run(const call_ptr& c, const run_id& run,
              std::function<void(const execution_text&)> answer);

} // namespace troupe::gate

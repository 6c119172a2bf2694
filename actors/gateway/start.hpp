// Starting runs and answering as asked: at once, after a wait, or as a stream.
#pragma once

#include "actors/gateway/call.hpp"

#include <string_view>

namespace troupe::gate {

/// Fills in what the request's headers and query say (wait, key, digest, trace); false: refused.
bool read_start_headers(const call_ptr& c, start_request& what);

/// Checks the caller's rate, then starts; answers 202, 200 with the final state, or events.
void start_run(const call_ptr& c, start_request what);

/// Checks the input against the workflow's schema and puts defaults in; false: refused.
bool check_input(const call_ptr& c, const workflow_entry& w, json::value input,
                 start_request& what);

/// The execution's id in front of its JSON: {"execution_id": …, rest}.
std::string with_execution_id(const run_id& run, std::string_view json);

/// Sends a run's events as a stream; the run is known to exist.
void stream_run(const call_ptr& c, const run_id& run, sequence_number since);

/// "skill:<type>": the one-step workflow of a skill; saved when it is missing. Checks the
/// parameters, then goes on with its entry; refuses otherwise.
void with_skill_workflow(const call_ptr& c, const std::string& skill_type,
                         const json::object& parameters,
                         std::function<void(const workflow_ptr&)> go_on);
/// The start of a skill's workflow with these parameters.
start_request skill_start(const workflow_entry& w, const json::object& parameters,
                          std::string trigger_type);

} // namespace troupe::gate

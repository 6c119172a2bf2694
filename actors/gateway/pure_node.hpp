// Runs one pure node in memory: nothing is stored, nothing leaves the process.
#pragma once

#include "runtime/engine/decide.hpp"

namespace troupe::gate {

/// Runs the node named `node` of a plan with this input, through the engine's own decide. Answers
/// {port: [value]}. Failures: kind `invalid`, the node's own code, or "needs_workflow" for nodes
/// that wait, and "too_expensive" past a bounded number of turns.
result<json::object> run_pure_node(const plan& p, std::string_view node, shared_value input,
                                   instant now, const run_id& id);

} // namespace troupe::gate

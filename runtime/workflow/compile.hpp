// From a definition (steps form or graph form, as stored) to a plan.
#pragma once

#include "runtime/catalog/catalog.hpp"
#include "runtime/workflow/plan.hpp"

#include <functional>

namespace troupe {

/// Limits on definitions, from the node's settings.
struct definition_limits {
  std::size_t nodes_max = 1'000;
  std::chrono::milliseconds timeout_min{1'000}, timeout_max{86'400'000};
  std::size_t loop_iterations_max = 10'000'000;
  /// Whether a time zone is known; empty: all are. A function, because the core has no zone data.
  std::function<bool(std::string_view zone)> zone_known;
};

/// What compile needs to know beyond the definition.
struct compile_context {
  const catalog& types;
  definition_limits limits;
  retry_policy default_retry; ///< node-wide default, used where a node sets nothing
  /// True when a provider registered this skill now. Unknown skills are errors on save.
  std::function<bool(std::string_view skill_type)> skill_known;
};

/// What a definition must be before anything else is looked at.
struct compiled {
  plan_ptr executable;              ///< empty when there are errors
  std::vector<node_error> errors;   ///< one for every fault, in the order of the definition
  std::vector<node_error> warnings; ///< such as a path to a step that is not a dependency
};

/// Validates every rule of WM-12 and more, then builds the plan. Never fails for a reason other
/// than the ones it lists.
compiled compile(const json::value& definition, const compile_context& context);

/// The stored form of a definition: defaults filled in, connections resolved to ids, unknown
/// top-level keys kept. A failure when it is not an object or a field has a wrong type (with
/// node_errors).
result<json::object> normalise(const json::value& definition);

/// The graph form of either form: {nodes, edges, …}. For `?view=graph`.
json::object to_graph(const json::object& definition);

/// SOURCES.md "input_schema": checks and fills defaults. Failures have code "input_invalid" and one
/// node_error a field.
result<json::value> apply_input_schema(const json::object& schema, const json::value& input);

} // namespace troupe

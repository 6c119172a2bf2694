// A plan: a definition compiled for execution. Immutable, shared by all runs of one version.
#pragma once

#include "runtime/catalog/node_kind.hpp"
#include "runtime/expr/expression.hpp"
#include "runtime/policy/retry_policy.hpp"

#include <chrono>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

using node_index = std::uint32_t;
using region_index = std::uint32_t;
constexpr std::uint32_t no_index = UINT32_MAX;

/// How an edge carries order and data.
enum class edge_kind : std::uint8_t {
  data,  ///< live when the source completed on `source_port`; carries that port's value
  order, ///< steps form: live when the source ended in any way that lets dependants run
};

struct plan_edge {
  node_index source = no_index, target = no_index;
  std::string source_port = "main", target_port = "main";
  std::string type = "main"; ///< connection type; all but main are grouped by it in `$input`
  edge_kind kind = edge_kind::data;
  bool is_static = false;   ///< the value is remembered across iterations
  bool closes_loop = false; ///< the edge into a loop's `loop_body`: carries an iteration's result
  std::optional<expr::json_template> mapping; ///< applied to the value; `$json` is the value
};

enum class on_error : std::uint8_t { stop, continue_, error_output, fallback };
enum class when_interrupted : std::uint8_t { retry, fail, ask };

/// Used after the last attempt failed.
struct fallback_policy {
  std::optional<expr::json_template> value; ///< becomes the node's main output
  node_index node = no_index; ///< or: this node's skill and parameters make one more attempt
};

struct plan_node {
  std::string id, name, type, subtype; ///< for steps: id = name = step_id unless named
  node_kind kind = node_kind::skill;
  effect_class effect = effect_class::io;
  std::string skill_type; ///< for kind skill: which provider's skill ("http_request", "echo", …)
  expr::json_template parameters; ///< whole object, rendered when the node is scheduled
  json::object constants; ///< the parameters as written (for kinds that read them unrendered)
  std::map<std::string, expr::expression>
      expressions; ///< parameters that are expressions: "condition", "filter_expression" …
  std::optional<expr::expression> condition; ///< steps form; false → skipped
  std::vector<std::uint32_t>
      in; ///< edge numbers, in the order of the definition; without closing edges
  std::vector<std::uint32_t>
      out;                      ///< edge numbers, in the order of the definition; closing edges too
  region_index region = 0;      ///< where its slots live
  std::uint32_t slot = 0;       ///< dense index inside the region
  region_index body = no_index; ///< loop or streaming node: the region of its iterations
  on_error error_policy = on_error::stop;
  fallback_policy fallback;
  when_interrupted interrupted = when_interrupted::retry;
  retry_policy retry;                   ///< max_attempts ≥ 1
  std::chrono::milliseconds timeout{0}; ///< of one attempt; 0: the node-wide default
  bool disabled = false;                ///< passes its input on
  bool streaming = false;               ///< every element of its list output fires downstream once
  bool detached = false;                ///< only reached as somebody's fallback
  shared_value pin;                     ///< pinned output; may be empty
  shared_value dry_output;              ///< what a dry run answers; may be empty: {"dry_run": true}
};

/// The nodes that run together: region 0 is the workflow, every other one a loop's body or what
/// hangs behind a streaming node.
struct plan_region {
  node_index owner = no_index; ///< the loop or streaming node
  region_index parent = no_index;
  std::vector<node_index> nodes;      ///< by slot
  std::vector<std::uint32_t> closing; ///< edges that carry an iteration's result
};

struct plan_limits {
  std::uint32_t parallel_steps_max = 0;        ///< 0: no limit
  std::uint32_t concurrent_executions_max = 0; ///< 0: no limit
  std::uint64_t steps_max = 0; ///< budget.steps: attempts a run may schedule; 0: none
};

struct plan {
  std::string workflow_id, workflow_name;
  std::uint32_t workflow_version = 0;
  std::vector<plan_node> nodes;
  std::vector<plan_edge> edges;
  std::vector<plan_region> regions; ///< regions[0] is the root
  std::map<std::string, node_index, std::less<>> by_id, by_name;
  json::object variables;    ///< initial vars
  json::object input_schema; ///< as given; see workflow/input_schema.hpp
  std::vector<std::pair<std::string, expr::json_template>> output_mapping;
  json::object settings;                ///< as given: visible as $config
  std::chrono::milliseconds timeout{0}; ///< of a run; 0: the node-wide default
  bool continue_on_error = false;       ///< error_policy "continue": every node's default on_error
  plan_limits limits;
};

using plan_ptr = std::shared_ptr<const plan>;

/// nullptr-like: no_index when there is no such node.
node_index find_node(const plan& p, std::string_view id_or_name) noexcept;

} // namespace troupe

// Routes of workflows and of the node catalogue.
#include "net/rest/route.hpp"

namespace troupe::rest {

namespace {

using enum http::method;
using enum access;
using body = body_kind;

#define V1 "/api/v1"
#define WORKFLOW V1 "/workflows/{id}"

constexpr std::string_view list_filters =
    "limit cursor query tags enabled_only active_only notebook_id user_id";
constexpr std::string_view run_filters = "limit cursor status trigger_type created_from created_to";

constexpr route workflows_table[] = {
    {get, V1 "/workflows", "list_workflows", key, body::none, "Workflows", "Lists workflows",
     list_filters, "", "[workflow]", 200, "422"},
    {post, V1 "/workflows", "create_workflow", key, body::definition, "Workflows",
     "Stores a new workflow", "draft", "definition", "workflow", 201, "413 415 422"},
    {get, V1 "/workflows/executions", "list_executions", key, body::none, "Executions",
     "Lists executions (alias)",
     "limit cursor status trigger_type created_from created_to workflow_id user_id", "",
     "[execution_summary]", 200, "422"},
    {get, V1 "/workflows/stats/overview", "stats_overview", key, body::none, "Workflows",
     "Counts executions of all workflows", "", "", "stats", 200, ""},
    {post, V1 "/workflows/import", "import_workflow", key, body::definition, "Workflows",
     "Stores an exported workflow under a new id", "draft", "export", "workflow", 201,
     "413 415 422"},
    {post, V1 "/workflows/validate", "validate_workflow", key, body::definition, "Workflows",
     "Checks a definition without storing it", "", "definition", "validation", 200, "413 415"},
    {post, V1 "/connections/validate", "validate_connections", key, body::definition, "Workflows",
     "Checks the edges between given nodes", "", "definition", "validation", 200, "413 415"},
    {post, V1 "/data-mapping/test", "test_data_mapping", key, body::json, "Workflows",
     "Applies a data mapping to sample data", "", "data_mapping", "mapped_data", 200, "422"},
    {get, WORKFLOW, "read_workflow", key, body::none, "Workflows", "Reads a workflow",
     "view version", "", "workflow", 200, "404 422"},
    {patch, WORKFLOW, "patch_workflow", key, body::definition, "Workflows",
     "Changes the sent keys; makes a new version", "draft", "definition", "workflow", 200,
     "404 412 413 415 422"},
    {put, WORKFLOW, "put_workflow", key, body::definition, "Workflows",
     "Replaces the definition; makes a new version", "draft", "definition", "workflow", 200,
     "404 412 413 415 422"},
    {delete_, WORKFLOW, "delete_workflow", key, body::none, "Workflows",
     "Removes a workflow and cancels its executions", "", "", "", 204, "404 412"},
    {post, WORKFLOW "/duplicate", "duplicate_workflow", key, body::optional, "Workflows",
     "Stores a disabled copy", "", "", "workflow", 201, "404"},
    {post, WORKFLOW "/enable", "enable_workflow", key, body::optional, "Workflows",
     "Enables a workflow", "", "", "workflow", 200, "404"},
    {post, WORKFLOW "/disable", "disable_workflow", key, body::optional, "Workflows",
     "Disables a workflow", "", "", "workflow", 200, "404"},
    {get, WORKFLOW "/versions", "list_versions", key, body::none, "Workflows",
     "Lists the versions of a workflow, newest first", "limit cursor", "", "[workflow_version]",
     200, "404 422"},
    {get, WORKFLOW "/versions/{version}", "read_version", key, body::none, "Workflows",
     "Reads one version", "view", "", "workflow", 200, "404 422"},
    {get, WORKFLOW "/versions/{version}/diff/{other}", "diff_versions", key, body::none,
     "Workflows", "Compares two versions node by node", "", "", "definition_diff", 200, "404 422"},
    {post, WORKFLOW "/versions/{version}/activate", "activate_version", key, body::optional,
     "Workflows", "Makes a version the one that new executions use", "", "", "workflow", 200,
     "404 422"},
    {get, WORKFLOW "/export", "export_workflow", key, body::none, "Workflows",
     "A portable copy without secrets and ids", "version", "", "export", 200, "404 422"},
    {post, WORKFLOW "/estimate", "estimate_workflow", key, body::optional, "Workflows",
     "Estimates the cost of one execution", "", "", "estimate", 200, "404"},
    {post, WORKFLOW "/execute", "execute_workflow", key, body::execute, "Executions",
     "Starts an execution", "wait", "execute", "started", 202, "404 409 413 415 422 429"},
    {post, WORKFLOW "/run", "execute_workflow", key, body::execute, "Executions",
     "Starts an execution (alias of execute)", "wait", "execute", "started", 202,
     "404 409 413 415 422 429"},
    {post, WORKFLOW "/nodes/{node}/execute", "execute_node", key, body::execute, "Executions",
     "Runs one node of a workflow", "wait", "execute_node", "started", 202, "404 413 415 422 429"},
    {get, WORKFLOW "/executions", "list_workflow_executions", key, body::none, "Executions",
     "Lists the executions of a workflow", run_filters, "", "[execution_summary]", 200, "404 422"},
    {get, WORKFLOW "/stats", "workflow_stats", key, body::none, "Workflows",
     "Counts the executions of a workflow", "", "", "stats", 200, "404"},

    {get, V1 "/node-types", "list_node_types", key, body::none, "Catalogue",
     "Every group with its node types", "category", "", "[node_type_group]", 200, "422"},
    {get, V1 "/node-types/{type}/{subtype}/spec", "read_node_type", key, body::none, "Catalogue",
     "Parameters and ports of a node type", "", "", "node_type", 200, "404"},
    {post, V1 "/node-types/{type}/{subtype}/execute", "execute_node_type", key, body::json,
     "Catalogue", "Runs one node without a workflow", "", "node_type_input", "node_type_output",
     200, "404 422 429 502"},
    {get, V1 "/blocks", "list_blocks", key, body::none, "Catalogue", "Every node type (alias)",
     "limit cursor", "", "[node_type]", 200, "422"},
    {post, V1 "/blocks/{block}/execute", "execute_block", key, body::json, "Catalogue",
     "Runs one node; the id is TYPE.SUBTYPE (alias)", "", "node_type_input", "node_type_output",
     200, "404 422 429 502"},
};

#undef WORKFLOW
#undef V1

} // namespace

std::span<const route> workflow_routes() {
  return workflows_table;
}

} // namespace troupe::rest

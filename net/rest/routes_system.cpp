// Routes of the root and of the system.
#include "net/rest/route.hpp"

namespace troupe::rest {

namespace {

using enum http::method;
using enum access;
using body = body_kind;

#define V1 "/api/v1"

constexpr route system_table[] = {
    {get, "/", "root", open, body::none, "Root", "What this is and where to look", "", "", "", 200,
     ""},
    {get, "/health", "health", open, body::none, "Root", "Health of the node", "", "", "health",
     200, "503"},
    {get, "/health/live", "health_live", open, body::none, "Root", "The process answers", "", "",
     "health", 200, ""},
    {get, "/health/ready", "health_ready", open, body::none, "Root", "The node accepts work", "",
     "", "health", 200, "503"},
    {get, "/metrics", "metrics", key, body::none, "Root", "Prometheus text", "", "", "metrics_text",
     200, ""},
    {get, "/openapi.json", "openapi", open, body::none, "Root", "This description", "", "", "", 200,
     ""},
    {get, "/docs", "docs_page", open, body::none, "Root", "This description for people", "", "",
     "page", 200, ""},
    {get, "/redoc", "docs_page", open, body::none, "Root", "This description for people (alias)",
     "", "", "page", 200, ""},
    {get, "/ws", "socket_client", socket, body::none, "Root",
     "WebSocket: events of executions and workflows", "token", "", "", 101, ""},
    {get, V1 "/auth/status", "auth_status", open, body::none, "Auth",
     "Whether a password is needed", "", "", "auth_status", 200, ""},
    {get, V1 "/config", "config", open, body::none, "System", "Version and state of the store", "",
     "", "config", 200, ""},
    {get, V1 "/system/status", "system_status", key, body::none, "System", "State of the node", "",
     "", "", 200, ""},
    {get, V1 "/system/nodes", "system_nodes", key, body::none, "Cluster",
     "Nodes of the cluster, and who leads which partition", "limit cursor", "", "node_list", 200,
     "422"},
    {post, V1 "/system/nodes/{id}/drain", "drain_node", key, body::optional, "Cluster",
     "Moves every leadership away from a node, or lets it lead again", "", "drain", "", 200,
     "404 409 503"},
    {delete_, V1 "/system/nodes/{id}", "remove_node", key, body::none, "Cluster",
     "Takes a node out of the cluster for good", "", "", "", 200, "404 409 503"},
    {post, V1 "/system/cluster/finalize", "finalize_cluster", key, body::optional, "Cluster",
     "Raises the feature level to what all members know, after an upgrade", "", "", "", 200,
     "409 503"},
    {post, V1 "/system/cluster/invitations", "invite_node", key, body::optional, "Cluster",
     "Makes a token that lets one node in", "", "", "invitation", 201, "409 503"},
    {post, V1 "/system/cluster/join", "join_cluster", open, body::json, "Cluster",
     "Lets a node in; the token's secret stands for the password", "", "join_request",
     "join_answer", 200, "401 409 422 503"},
    {get, V1 "/system/services", "system_services", key, body::none, "System",
     "Services of the node", "limit cursor", "", "[item]", 200, "422"},
    {get, V1 "/system/services/{name}/health", "service_health", key, body::none, "System",
     "Health of one service", "", "", "health", 200, "404 503"},
    {get, V1 "/system/queues", "system_queues", key, body::none, "System",
     "Queues with their high-water marks", "limit cursor", "", "[item]", 200, "422"},
    {get, V1 "/system/alerts", "system_alerts", key, body::none, "System",
     "What an operator should look at", "limit cursor", "", "[item]", 200, "422"},
    {get, V1 "/system/dead-letters", "dead_letters", key, body::none, "System",
     "Work that was given up", "limit cursor", "", "[item]", 200, "422"},
    {post, V1 "/system/dead-letters/{id}/requeue", "requeue_dead_letter", key, body::optional,
     "System", "Tries given-up work again", "", "", "command_accepted", 202, "404 409 429"},
    {get, V1 "/system/retention", "read_retention", key, body::none, "System",
     "How long finished executions are kept", "", "", "retention", 200, ""},
    {put, V1 "/system/retention", "write_retention", key, body::json, "System",
     "Sets how long finished executions are kept", "", "retention", "retention", 200, "422"},
    {put, V1 "/system/log-level", "write_log_level", key, body::json, "System",
     "Sets the lowest level that is logged", "", "log_level", "log_level", 200, "422"},
    {post, V1 "/system/snapshot", "take_snapshot", key, body::optional, "System",
     "Takes a consistent copy of the store", "", "snapshot", "", 200, "409 422 507"},
    {post, V1 "/system/faults", "inject_fault", key, body::json, "Test",
     "Injects a fault (404 without --test-faults)", "", "", "", 200, "404 422"},
    {post, V1 "/system/faults/clock", "move_clock", key, body::json, "Test",
     "Moves time (404 without --test-clock)", "", "", "", 200, "404 422"},
};

#undef V1

} // namespace

std::span<const route> system_routes() {
  return system_table;
}

} // namespace troupe::rest

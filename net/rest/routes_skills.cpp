// Routes of skills, their workers, and jobs.
#include "net/rest/route.hpp"

namespace troupe::rest {

namespace {

using enum http::method;
using enum access;
using body = body_kind;

#define V1 "/api/v1"
#define WORKER V1 "/skill-providers/{id}"

constexpr route skills_table[] = {
    {get, V1 "/skills/available", "list_skills", key, body::none, "Skills",
     "Every registered skill", "limit cursor", "", "[skill]", 200, "422"},
    {post, V1 "/skills/execute", "execute_skill", key, body::execute, "Skills", "Runs one skill",
     "wait", "skill_input", "started", 202, "404 413 415 422 429"},
    {get, V1 "/skills/instances", "list_skill_instances", key, body::none, "Skills",
     "Lists skill instances", "limit cursor skill_type", "", "[skill_instance]", 200, "422"},
    {post, V1 "/skills/instances", "create_skill_instance", key, body::json, "Skills",
     "Stores a skill with its parameters", "", "skill_instance", "skill_instance", 201,
     "413 415 422"},
    {get, V1 "/skills/instances/{id}", "read_skill_instance", key, body::none, "Skills",
     "Reads a skill instance", "", "", "skill_instance", 200, "404"},
    {patch, V1 "/skills/instances/{id}", "patch_skill_instance", key, body::json, "Skills",
     "Changes the sent keys", "", "skill_instance", "skill_instance", 200, "404 412 415 422"},
    {delete_, V1 "/skills/instances/{id}", "delete_skill_instance", key, body::none, "Skills",
     "Removes a skill instance", "", "", "", 204, "404"},
    {post, V1 "/skills/instances/{id}/execute", "execute_skill_instance", key, body::execute,
     "Skills", "Runs a skill instance", "wait", "skill_parameters", "started", 202,
     "404 413 415 422 429"},
    {get, V1 "/skills/executions", "list_skill_executions", key, body::none, "Skills",
     "Executions of single skills", "limit cursor status skill_type skill_instance_id", "",
     "[execution_summary]", 200, "422"},
    {get, V1 "/skills/executions/{id}", "read_skill_execution", key, body::none, "Skills",
     "Reads the execution of a skill", "", "", "execution", 200, "404"},
    {post, V1 "/skills/executions/{id}/cancel", "cancel_execution", key, body::optional, "Skills",
     "Stops the execution of a skill", "", "cancel", "command_accepted", 200, "404 409"},
    {get, V1 "/skill-providers", "list_workers", key, body::none, "Workers", "Registered workers",
     "limit cursor", "", "[worker]", 200, "422"},
    {post, V1 "/skill-providers", "register_worker", key, body::json, "Workers",
     "Registers a worker with its skills", "", "worker_registration", "worker_token", 201,
     "409 422"},
    {delete_, WORKER, "unregister_worker", key, body::none, "Workers",
     "Removes a worker; its tasks go to others", "", "", "", 204, "404"},
    {post, WORKER "/poll", "poll_tasks", key, body::optional, "Workers",
     "Takes tasks; waits for some", "", "poll", "tasks", 200, "404 410 422"},
    {post, WORKER "/tasks/{task}/heartbeat", "task_message", key, body::json, "Workers",
     "Says that a task is alive", "", "task_heartbeat", "", 200, "404 410 422"},
    {post, WORKER "/tasks/{task}/complete", "task_message", key, body::execute, "Workers",
     "Ends a task with its output", "", "task_complete", "", 200, "404 410 422"},
    {post, WORKER "/tasks/{task}/fail", "task_message", key, body::json, "Workers",
     "Ends a task with an error", "", "task_fail", "", 200, "404 410 422"},
    {post, WORKER "/results", "task_results", key, body::execute, "Workers",
     "Ends many tasks in one call", "", "task_results", "", 200, "404 410 422"},
    {get, "/ws/worker", "socket_worker", socket, body::none, "Workers",
     "WebSocket with the messages of workers", "token", "", "", 101, ""},
    {post, V1 "/commands/jobs", "submit_job", key, body::execute, "Jobs",
     "Runs a command in the background", "", "job_input", "job", 202, "404 413 415 422 429"},
    {get, V1 "/commands/jobs", "list_jobs", key, body::none, "Jobs", "Lists jobs",
     "limit cursor status", "", "[job]", 200, "422"},
    {get, V1 "/commands/jobs/{id}", "read_job", key, body::none, "Jobs", "Reads a job", "", "",
     "job", 200, "404"},
    {delete_, V1 "/commands/jobs/{id}", "cancel_job", key, body::none, "Jobs", "Stops a job", "",
     "", "job", 200, "404 409"},
    {get, V1 "/commands/registry", "list_commands", key, body::none, "Jobs",
     "Commands that can be run as jobs", "limit cursor", "", "[skill]", 200, "422"},
};

#undef WORKER
#undef V1

} // namespace

std::span<const route> skill_routes() {
  return skills_table;
}

} // namespace troupe::rest

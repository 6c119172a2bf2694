// Schemas of bodies, for /openapi.json. Text only: what a body must be is checked where it is read.
#include "net/rest/openapi.hpp"
#include "runtime/base/invariant.hpp"

namespace troupe::rest {

namespace {

constexpr std::string_view text_workflows = R"json({
"problem": {"type": "object",
 "required": ["type", "title", "status", "detail", "code", "request_id"],
  "properties": {"type": {"type": "string"}, "title": {"type": "string"},
    "status": {"type": "integer"}, "detail": {"type": "string"}, "code": {"type": "string"},
    "hint": {"type": "string"}, "request_id": {"type": "string"},
    "node_errors": {"type": "array", "items": {"$ref": "#/components/schemas/node_error"}}}},
"node_error": {"type": "object", "properties": {"node": {"type": "string"},
    "field": {"type": "string"}, "code": {"type": "string"}, "message": {"type": "string"}}},
"list": {"type": "object", "required": ["items", "total_count", "has_more", "next_cursor"],
  "properties": {"items": {"type": "array"}, "total_count": {"type": "integer"},
    "has_more": {"type": "boolean"}, "next_cursor": {"type": ["string", "null"]},
    "stale": {"type": "boolean"}}},
"item": {"type": "object"},
"step": {"type": "object", "required": ["step_id", "skill_type"],
  "properties": {"step_id": {"type": "string"}, "skill_type": {"type": "string"},
    "name": {"type": "string"}, "description": {"type": "string"},
    "parameters": {"type": "object"}, "depends_on": {"type": "array", "items": {"type": "string"}},
    "condition": {"type": "string"}, "retry_on_fail": {"type": "integer", "default": 0},
    "retry_delay_seconds": {"type": "number", "default": 5},
    "continue_on_fail": {"type": "boolean", "default": false},
    "timeout_seconds": {"type": "number"}, "retry_policy": {"type": "object"}}},
"node": {"type": "object", "required": ["id", "type"],
  "properties": {"id": {"type": "string"}, "name": {"type": "string"}, "type": {"type": "string"},
    "subtype": {"type": "string"}, "type_version": {"type": "integer"},
    "parameters": {"type": "object"}, "disabled": {"type": "boolean"},
    "on_error": {"enum": ["stop", "continue", "error_output", "fallback"]},
    "retry_policy": {"type": "object"}, "notes": {"type": "string"},
    "position": {"type": "object"}}},
"edge": {"type": "object", "required": ["source", "target"],
  "properties": {"source": {"type": "string"}, "source_port": {"type": "string", "default": "main"},
    "target": {"type": "string"}, "target_port": {"type": "string", "default": "main"},
    "type": {"type": "string", "default": "main"}, "index": {"type": "integer"}}},
"definition": {"type": "object", "properties": {"name": {"type": "string"},
    "description": {"type": ["string", "null"]}, "enabled": {"type": "boolean", "default": true},
    "tags": {"type": "array", "items": {"type": "string"}},
    "steps": {"type": "array", "items": {"$ref": "#/components/schemas/step"}},
    "nodes": {"type": "array", "items": {"$ref": "#/components/schemas/node"}},
    "edges": {"type": "array", "items": {"$ref": "#/components/schemas/edge"}},
    "connections": {}, "input_schema": {"type": "object"}, "output_mapping": {"type": "object"},
    "variables": {"type": "object"}, "settings": {"type": "object"}}},
"workflow": {"allOf": [{"$ref": "#/components/schemas/definition"}, {"type": "object",
    "required": ["id", "version"], "properties": {"id": {"type": "string"},
    "version": {"type": "integer"}, "active_version": {"type": "integer"},
    "latest_version": {"type": "integer"}, "created": {"type": "string", "format": "date-time"},
    "updated": {"type": "string", "format": "date-time"}, "runnable": {"type": "boolean"},
    "node_errors": {"type": "array", "items": {"$ref": "#/components/schemas/node_error"}}}}]},
"workflow_version": {"type": "object", "properties": {"version": {"type": "integer"},
    "active": {"type": "boolean"}, "updated": {"type": "string", "format": "date-time"},
    "definition_digest": {"type": "string"}, "runnable": {"type": "boolean"}}},
"export": {"type": "object", "properties": {"format": {"const": "troupe.workflow"},
    "format_version": {"const": 1}, "workflow": {"$ref": "#/components/schemas/definition"}}},
"validation": {"type": "object", "required": ["valid", "errors", "warnings"],
  "properties": {"valid": {"type": "boolean"},
    "errors": {"type": "array", "items": {"$ref": "#/components/schemas/node_error"}},
    "warnings": {"type": "array", "items": {"$ref": "#/components/schemas/node_error"}}}},
"data_mapping": {"type": "object", "required": ["mapping"], "properties": {
    "mapping": {"type": "object", "properties": {
      "type": {"enum": ["direct", "field_mapping", "template", "transform"]},
      "field_mappings": {"type": "array", "items": {"type": "object"}},
      "template": {}, "expression": {"type": "string"}, "static_values": {"type": "object"}}},
    "input": {}}},
"mapped_data": {"type": "object", "properties": {"output": {}}},
"definition_diff": {"type": "object", "properties": {"from_version": {"type": "integer"},
    "to_version": {"type": "integer"}, "nodes": {"type": "object"}, "edges": {"type": "object"},
    "fields": {"type": "array", "items": {"type": "string"}},
    "changes": {"type": "array", "items": {"type": "object"}}}},
"estimate": {"type": "object", "properties": {"estimated_cost": {"type": "number"},
    "execution_time": {"type": ["number", "null"]}, "steps": {"type": "array"}}},
"stats": {"type": "object", "properties": {"total": {"type": "integer"},
    "by_status": {"type": "object"}, "avg_duration": {"type": ["number", "null"]},
    "success_rate": {"type": ["number", "null"]}}},
"node_type_group": {"type": "object", "properties": {"type": {"type": "string"},
    "description": {"type": "string"},
    "node_types": {"type": "array", "items": {"$ref": "#/components/schemas/node_type"}}}},
"node_type": {"type": "object", "properties": {"type": {"type": "string"},
    "subtype": {"type": "string"}, "description": {"type": "string"}, "effect": {"type": "string"},
    "parameters": {"type": "array", "items": {"type": "object"}},
    "inputs": {"type": "array", "items": {"type": "string"}},
    "outputs": {"type": "array", "items": {"type": "string"}}, "cost": {"type": "number"}}},
"node_type_input": {"type": "object", "properties": {"input": {}, "parameters": {"type": "object"},
    "timeout_seconds": {"type": "number"}}},
"node_type_output": {"type": "object", "required": ["output"], "properties": {
    "output": {"type": "object", "additionalProperties": {"type": "array"}}}}
})json";

constexpr std::string_view text_executions = R"json({
"execute": {"type": "object", "properties": {"input_data": {"type": "object"},
    "vars": {"type": "object"}, "dry_run": {"type": "boolean"},
    "priority": {"enum": ["high", "normal", "low"]}, "start_from_node": {"type": "string"},
    "previous_execution_id": {"type": "string"}, "override_parameters": {"type": "object"}}},
"execute_node": {"type": "object", "properties": {"input_data": {"type": "object"},
    "use_previous_results": {"type": "boolean"}, "previous_execution_id": {"type": "string"},
    "override_parameters": {"type": "object"}, "execution_context": {"type": "object"}}},
"started": {"type": "object", "required": ["execution_id", "status"],
  "properties": {"execution_id": {"type": "string"}, "status": {"type": "string"},
    "message": {"type": "string"}}},
"execution_summary": {"type": "object", "properties": {"id": {"type": "string"},
    "workflow_id": {"type": "string"}, "workflow_version": {"type": "integer"},
    "status": {"type": "string"}, "trigger_type": {"type": "string"},
    "created_at": {"type": "string"}, "started_at": {"type": ["string", "null"]},
    "completed_at": {"type": ["string", "null"]}}},
"execution": {"allOf": [{"$ref": "#/components/schemas/execution_summary"}, {"type": "object",
    "properties": {"triggered_by": {"type": "string"}, "input": {}, "output": {},
    "error": {"type": ["object", "null"]}, "duration_seconds": {"type": ["number", "null"]},
    "success_rate": {"type": ["number", "null"]}, "attempt": {"type": "integer"},
    "parent_execution_id": {"type": ["string", "null"]}, "trace_id": {"type": "string"},
    "usage": {"type": "object"}, "created_source_ids": {"type": "array"},
    "created_note_ids": {"type": "array"}, "progress": {"type": "object"},
    "steps": {"type": "array", "items": {"type": "object"}}}}]},
"cancel": {"type": "object", "properties": {"reason": {"type": "string"}}},
"retry": {"type": "object", "properties": {"from": {"type": "string", "default": "failed"},
    "input": {"type": "object"}, "parameters": {"type": "object"},
    "version": {"type": "integer"}}},
"replay": {"type": "object", "properties": {"redecide": {"type": "boolean", "default": true}}},
"replay_report": {"type": "object"},
"command_accepted": {"type": "object", "properties": {"execution_id": {"type": "string"},
    "message": {"type": "string"}}},
"event": {"type": "object", "properties": {"seq": {"type": "integer"},
    "time": {"type": "string", "format": "date-time"}, "kind": {"type": "string"},
    "node": {"type": "string"}, "iteration": {"type": "string"}, "attempt": {"type": "integer"},
    "data": {"type": "object"}, "hash": {"type": "string"}}},
"log_line": {"type": "object"},
"report": {"type": "object"},
"event_stream": {"type": "string"},
"review": {"type": "object", "properties": {"id": {"type": "string"},
    "execution_id": {"type": "string"}, "status": {"type": "string"}}},
"review_action": {"type": "object", "required": ["reviews"], "properties": {
    "reviews": {"type": "array", "minItems": 1, "maxItems": 500, "items": {"type": "object",
      "required": ["review_id", "approved"], "properties": {"review_id": {"type": "string"},
      "approved": {"type": "boolean"}, "data": {}, "message": {"type": "string"}}}}}},
"review_counts": {"type": "object", "properties": {"approved": {"type": "integer"},
    "rejected": {"type": "integer"}, "failed": {"type": "integer"},
    "results": {"type": "array"}}}
})json";

constexpr std::string_view text_others = R"json({
"skill": {"type": "object", "properties": {"skill_type": {"type": "string"},
    "name": {"type": "string"}, "description": {"type": "string"},
    "parameters_schema": {"type": "object"}}},
"skill_input": {"type": "object", "required": ["skill_type"], "properties": {
    "skill_type": {"type": "string"}, "parameters": {"type": "object"}}},
"skill_instance": {"type": "object", "required": ["name", "skill_type"], "properties": {
    "id": {"type": "string"}, "name": {"type": "string"}, "skill_type": {"type": "string"},
    "description": {"type": ["string", "null"]}, "parameters": {"type": "object"},
    "enabled": {"type": "boolean", "default": true}, "created": {"type": "string"},
    "updated": {"type": "string"}}},
"skill_parameters": {"type": "object", "properties": {"parameters": {"type": "object"}}},
"worker": {"type": "object"},
"worker_registration": {"type": "object", "required": ["name", "skills"], "properties": {
    "name": {"type": "string"}, "skills": {"type": "array", "items": {"type": "object",
      "required": ["skill_type"], "properties": {"skill_type": {"type": "string"},
      "description": {"type": "string"}, "parameters_schema": {"type": "object"},
      "effect": {"type": "string"}}}}}},
"worker_token": {"type": "object", "required": ["id", "token", "heartbeat_seconds"],
  "properties": {"id": {"type": "string"}, "token": {"type": "string"},
    "heartbeat_seconds": {"type": "integer"}}},
"poll": {"type": "object", "properties": {"max_tasks": {"type": "integer"},
    "wait_seconds": {"type": "number"}}},
"tasks": {"type": "object", "properties": {"tasks": {"type": "array",
    "items": {"type": "object"}}}},
"task_heartbeat": {"type": "object", "required": ["token"], "properties": {
    "token": {"type": "string"}, "progress": {}}},
"task_complete": {"type": "object", "required": ["token"], "properties": {
    "token": {"type": "string"}, "output": {}, "logs": {"type": "array"}}},
"task_fail": {"type": "object", "required": ["token", "error"], "properties": {
    "token": {"type": "string"}, "error": {"type": "object"}}},
"task_results": {"type": "object", "required": ["results"], "properties": {
    "results": {"type": "array", "items": {"type": "object"}}}},
"job_input": {"type": "object", "required": ["command"], "properties": {
    "app": {"type": "string"}, "command": {"type": "string"}, "input": {"type": "object"}}},
"job": {"type": "object", "properties": {"id": {"type": "string"}, "job_id": {"type": "string"},
    "status": {"type": "string"}, "result": {}, "error_message": {"type": ["string", "null"]},
    "created": {"type": ["string", "null"]}, "updated": {"type": ["string", "null"]},
    "progress": {}, "message": {"type": "string"}}},
"health": {"type": "object", "properties": {"status": {"type": "string"},
    "version": {"type": "string"}, "timestamp": {"type": "string", "format": "date-time"},
    "details": {"type": "object"}}},
"metrics_text": {"type": "string"},
"page": {"type": "string"},
"auth_status": {"type": "object", "properties": {"auth_enabled": {"type": "boolean"},
    "message": {"type": "string"}}},
"config": {"type": "object", "properties": {"version": {"type": "string"},
    "latestVersion": {"type": ["string", "null"]}, "hasUpdate": {"type": "boolean"},
    "dbStatus": {"enum": ["online", "offline"]}}},
"retention": {"type": "object",
  "description": "A rule may stand alone. With both limits: what is old and not of the newest.",
  "properties": {"rules": {"type": "array", "items": {
    "type": "object", "properties": {"status": {"type": "string"},
    "max_age_seconds": {"type": "integer", "minimum": 1},
    "keep_newest": {"type": "integer", "minimum": 1}}}}}},
"log_level": {"type": "object", "required": ["level"], "properties": {
    "level": {"enum": ["debug", "info", "warning", "error", "critical"]}}},
"snapshot": {"type": "object", "properties": {"name": {"type": "string"}}},
"node_list": {"allOf": [{"$ref": "#/components/schemas/list"}, {"type": "object", "properties": {
    "items": {"type": "array", "items": {"type": "object", "properties": {
      "node": {"type": "integer"}, "address": {"type": "string"}, "http_url": {"type": "string"},
      "self": {"type": "boolean"}, "connected": {"type": "boolean"}, "voter": {"type": "boolean"},
      "draining": {"type": "boolean"}, "leads": {"type": "integer"}, "lag": {"type": "integer"},
      "version": {"type": "string"}}}},
    "partitions": {"type": "array", "items": {"type": "object", "properties": {
      "partition": {"type": "integer"}, "leader": {"type": "integer"}, "term": {"type": "integer"},
      "voters": {"type": "array", "items": {"type": "integer"}},
      "applied": {"type": "integer"}}}}}}]},
"drain": {"type": "object", "properties": {"draining": {"type": "boolean", "default": true}}},
"invitation": {"type": "object", "required": ["token", "expires_at"], "properties": {
    "token": {"type": "string"}, "expires_at": {"type": "string", "format": "date-time"}}},
"join_request": {"type": "object", "required": ["secret", "request", "cluster_address"],
  "properties": {"secret": {"type": "string"},
    "request": {"type": "string", "description": "a certificate request, PEM"},
    "cluster_address": {"type": "object", "required": ["host", "port"], "properties": {
      "host": {"type": "string"}, "port": {"type": "integer"}}},
    "http_url": {"type": "string"}}},
"join_answer": {"type": "object", "properties": {"cluster_id": {"type": "string"},
    "node": {"type": "integer"}, "authority": {"type": "string"},
    "certificate": {"type": "string"}, "peers": {"type": "array", "items": {"type": "object",
      "properties": {"node": {"type": "integer"}, "host": {"type": "string"},
      "port": {"type": "integer"}, "http_url": {"type": "string"}}}}}}
})json";

json::object all_schemas() {
  json::object out;
  for (const auto text : {text_workflows, text_executions, text_others}) {
    auto parsed = json::parse(text);
    check(parsed.has_value() && parsed->is_object(), "a schema is no JSON object");
    for (auto& member : parsed->get_object())
      out[member.key()] = std::move(member.value());
  }
  return out;
}

} // namespace

const json::object& schemas() {
  static const json::object all = all_schemas();
  return all;
}

} // namespace troupe::rest

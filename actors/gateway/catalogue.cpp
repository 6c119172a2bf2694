// Handlers of the node catalogue, and of running one node.
#include "actors/gateway/pure_node.hpp"
#include "actors/gateway/start.hpp"

namespace troupe::gate {

namespace {

constexpr std::string_view node_id = "subject", trigger_id = "given";

void list_node_types(const call_ptr& c) {
  auto groups = c->engine().node_types().describe_groups();
  const auto category = c->request.parameter("category");
  json::array kept;
  for (const auto& group : groups)
    if (category.empty() || json::text_or(group, "type", "") == category)
      kept.push_back(group);
  c->page_of(kept);
}

void read_node_type(const call_ptr& c) {
  const auto* type =
      c->engine().node_types().find(c->match.parameter("type"), c->match.parameter("subtype"));
  if (type == nullptr)
    return c->refuse(not_found("node_type_not_found", "There is no such node type."));
  c->json(200, catalog::describe(*type));
}

void list_blocks(const call_ptr& c) {
  json::array all;
  for (const auto& type : c->engine().node_types().all()) {
    auto block = catalog::describe(type);
    block["id"] = json::string(type.type + "." + type.subtype);
    all.push_back(std::move(block));
  }
  c->page_of(all);
}

/// The node behind a trigger, because only an edge gives a node the run's input.
json::object one_node_definition(const node_type& type, const json::object& parameters) {
  json::array nodes, edges;
  nodes.push_back(json::object{{"id", json::string(node_id)},
                               {"name", json::string(node_id)},
                               {"type", json::string(type.type)},
                               {"subtype", json::string(type.subtype)},
                               {"parameters", parameters}});
  if (!type.inputs.empty()) {
    nodes.push_back(json::object{{"id", json::string(trigger_id)},
                                 {"name", json::string(trigger_id)},
                                 {"type", "TRIGGER"},
                                 {"subtype", "MANUAL"}});
    edges.push_back(json::object{{"source", json::string(trigger_id)},
                                 {"target", json::string(node_id)},
                                 {"target_port", json::string(type.inputs.front())}});
  }
  return {{"name", "one node"}, {"nodes", std::move(nodes)}, {"edges", std::move(edges)}};
}

void run_here(const call_ptr& c, const node_type& type, const json::object& parameters,
              const json::value& input) {
  const auto made = c->engine().check(one_node_definition(type, parameters));
  if (!made.executable) {
    failure why = invalid("parameters_invalid", "The parameters are not what the node takes.");
    why.node_errors = made.errors;
    return c->refuse(why);
  }
  const auto now = c->engine().now();
  const auto id = make_run_id(now, partition_id{1}, c->home->random.next());
  auto ports = run_pure_node(*made.executable, node_id, share(input), now, id);
  if (!ports)
    return c->refuse(ports.error());
  c->json(200, json::object{{"output", std::move(*ports)}});
}

/// The execution of a one-step workflow as {output: {port: [values]}}.
void answer_with_step(const call_ptr& c, const started_run& run) {
  c->begins(run);
  const auto refuse = [&](std::string code, std::string message) {
    c->refuse({failure_kind::upstream,
               std::move(code),
               std::move(message),
               "See /api/v1/executions/" + to_text(run.id) + ".",
               {}});
  };
  if (!run.finished || !run.execution)
    return c->refuse({failure_kind::unavailable,
                      "node_not_finished",
                      "The node did not finish in time; it goes on.",
                      "See /api/v1/executions/" + to_text(run.id) + ".",
                      {}});
  const auto parsed = json::parse(*run.execution);
  if (!parsed)
    return refuse("node_failed", "The node's result could not be read.");
  const auto* steps = json::find(*parsed, "steps");
  const json::value* step = steps != nullptr && steps->is_array() && !steps->get_array().empty()
                                ? &steps->get_array().front()
                                : nullptr;
  if (step == nullptr || json::text_or(*step, "status", "") != "success") {
    const auto* error = step == nullptr ? nullptr : json::find(*step, "error");
    const json::value nothing;
    const auto& why = error == nullptr ? nothing : *error;
    return refuse(std::string(json::text_or(why, "code", "node_failed")),
                  std::string(json::text_or(why, "message", "The node failed.")));
  }
  const auto* output = json::find(*step, "output");
  json::object ports{{"main", json::array{output == nullptr ? json::value{} : *output}}};
  c->at(run.at);
  c->json(200, json::object{{"output", std::move(ports)},
                            {"execution_id", json::string(to_text(run.id))}});
}

void run_as_workflow(const call_ptr& c, const std::string& skill, const json::object& parameters,
                     const json::value& input, std::chrono::milliseconds wait) {
  with_skill_workflow(c, skill, parameters, [=](const workflow_ptr& w) {
    auto what = skill_start(*w, parameters, "skill");
    what.input = share(input);
    what.trace_id = c->trace_id;
    what.wait = wait;
    c->engine().start(std::move(what), then<started_run>(c, [c](const started_run& run) {
                        answer_with_step(c, run);
                      }));
  });
}

void execute_type(const call_ptr& c, const node_type* type) {
  if (type == nullptr)
    return c->refuse(not_found("node_type_not_found", "There is no such node type."));
  rest::fields in(c->body);
  const auto* parameters = in.map("parameters");
  const auto seconds = in.whole("timeout_seconds", 30, 1, 300);
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  static const json::object none;
  const auto& given = parameters == nullptr ? none : *parameters;
  const auto* value = c->body.if_contains("input");
  const json::value input = value == nullptr ? json::value(json::object{}) : *value;
  if (!type->executable)
    return c->refuse(invalid("not_executable", "This node type does not run."));
  if (type->kind != node_kind::skill)
    return run_here(c, *type, given, input);
  std::string skill = type->skill_type;
  json::object skill_parameters = given;
  if (skill.empty()) { // SKILL {skill_type, parameters}
    skill = json::text_or(given, "skill_type", "");
    const auto* inner = given.if_contains("parameters");
    skill_parameters = inner != nullptr && inner->is_object() ? inner->get_object() : none;
  }
  run_as_workflow(c, skill, skill_parameters, input, std::chrono::seconds{seconds});
}

void execute_node_type(const call_ptr& c) {
  execute_type(
      c, c->engine().node_types().find(c->match.parameter("type"), c->match.parameter("subtype")));
}

void execute_block(const call_ptr& c) {
  const auto id = c->match.parameter("block");
  const auto dot = id.find_first_of("./:");
  execute_type(c, c->engine().node_types().find(id.substr(0, dot), dot == std::string_view::npos
                                                                       ? std::string_view{}
                                                                       : id.substr(dot + 1)));
}

} // namespace

std::vector<handler_row> catalogue_handlers() {
  return {{"list_node_types", list_node_types},
          {"read_node_type", read_node_type},
          {"list_blocks", list_blocks},
          {"execute_node_type", execute_node_type},
          {"execute_block", execute_block}};
}

} // namespace troupe::gate

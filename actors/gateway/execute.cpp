// Handlers that start workflows.
#include "actors/gateway/start.hpp"

namespace troupe::gate {

namespace {

json::value copy_or_null(const json::object* o) {
  return o == nullptr ? json::value{} : *o;
}

/// input_data, also under the names that other systems use. An empty object when absent.
json::value input_of(const call_ptr& c) {
  for (const auto key : {"input_data", "input", "inputs", "trigger_data"})
    if (const auto* v = c->body.if_contains(key); v != nullptr && !v->is_null())
      return *v;
  return json::object{};
}

bool read_previous(const call_ptr& c, rest::fields& in, start_request& what) {
  const auto text = in.text("previous_execution_id");
  if (text.empty())
    return true;
  what.previous = run_id_from_text(text);
  if (!what.previous)
    c->refuse(
        not_found("execution_not_found", "There is no execution with previous_execution_id."));
  return what.previous.has_value();
}

void execute_workflow(const call_ptr& c) {
  const auto w = workflow_of(c);
  if (!w)
    return;
  start_request what;
  rest::fields in(c->body);
  const auto* vars = in.map("vars");
  const auto* overrides = in.map("override_parameters");
  what.dry_run = in.flag("dry_run", false);
  what.priority = in.one_of("priority", "normal", {"high", "normal", "low"});
  what.from_node = in.text("start_from_node");
  what.trigger_type = in.one_of("trigger_type", "manual", {"manual", "api", "event", "webhook"});
  what.triggered_by = in.text("triggered_by");
  what.user = in.text("user_id");
  if (!read_previous(c, in, what))
    return;
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  if (vars != nullptr)
    what.vars = share(copy_or_null(vars));
  if (overrides != nullptr)
    what.overrides = share(copy_or_null(overrides));
  if (!check_input(c, *w, input_of(c), what) || !read_start_headers(c, what))
    return;
  if (!what.from_node.empty() && find_node(*w->executable, what.from_node) == no_index)
    return c->refuse(not_found("node_not_found", "The workflow has no node start_from_node."));
  start_run(c, std::move(what));
}

/// override_parameters of a node run are that node's own; those of a workflow run are by node.
shared_value node_overrides(const std::string& node, const json::object* given) {
  return given == nullptr ? shared_value{} : share(json::object{{node, *given}});
}

void execute_node(const call_ptr& c) {
  const auto w = workflow_of(c);
  if (!w)
    return;
  if (w->executable && find_node(*w->executable, c->match.parameter("node")) == no_index)
    return c->refuse(not_found("node_not_found", "The workflow has no such node."));
  rest::fields outer(c->body);
  const auto* context = outer.map("execution_context");
  if (const auto fault = outer.fault())
    return c->refuse(*fault);
  rest::fields in(context == nullptr ? c->body : *context,
                  context == nullptr ? "" : "execution_context.");
  start_request what;
  const bool reuse = in.flag("use_previous_results", in.any("previous_execution_id") != nullptr);
  const auto* overrides = in.map("override_parameters");
  what.dry_run = outer.flag("dry_run", false);
  if (reuse && in.any("previous_execution_id") == nullptr)
    in.complain("previous_execution_id", "required", "is required to use previous results");
  if (!read_previous(c, in, what))
    return;
  for (const auto& fault : {in.fault(), outer.fault()})
    if (fault)
      return c->refuse(*fault);
  if (!reuse)
    what.previous.reset();
  if (!check_input(c, *w, input_of(c), what) || !read_start_headers(c, what))
    return;
  const auto& node = w->executable->nodes[find_node(*w->executable, c->match.parameter("node"))];
  what.only_node = node.id;
  what.overrides = node_overrides(node.id, overrides);
  start_run(c, std::move(what));
}

} // namespace

std::vector<handler_row> start_handlers() {
  return {{"execute_workflow", execute_workflow}, {"execute_node", execute_node}};
}

} // namespace troupe::gate

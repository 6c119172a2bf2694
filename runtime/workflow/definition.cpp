// The stored form of a definition.
#include "runtime/workflow/compile.hpp"
#include "runtime/workflow/connections.hpp"
#include "runtime/workflow/shape.hpp"

namespace troupe {

namespace {

using namespace drafting;

void normalise_steps(json::object& to, faults& found) {
  json::value* list = to.if_contains("steps");
  if (list == nullptr || !list->is_array())
    return;
  std::size_t i = 0;
  for (auto& step : list->get_array()) {
    const std::string place = indexed("steps", i++);
    if (!step.is_object()) {
      found.error("", place, "wrong_type", "a step must be an object");
      continue;
    }
    apply(step_fields(), step.get_object(), text_at(step.get_object(), "step_id"), place + ".",
          found);
  }
}

void normalise_nodes(json::object& to, faults& found) {
  json::value* list = to.if_contains("nodes");
  if (list == nullptr || !list->is_array())
    return;
  std::size_t i = 0;
  for (auto& each : list->get_array()) {
    const std::string place = indexed("nodes", i++);
    if (!each.is_object()) {
      found.error("", place, "wrong_type", "a node must be an object");
      continue;
    }
    json::object& node = each.get_object();
    apply(node_fields(), node, text_at(node, "id"), place + ".", found);
    if (member(node, "name") == nullptr)
      node["name"] = text_value(text_at(node, "id"));
    if (member(node, "position") == nullptr)
      node["position"] = json::object{{"x", 240 * (i - 1)}, {"y", 0}};
  }
}

/// Ends that are names become ids, so that a later rename is safe.
void resolve_names(json::object& to) {
  json::value* edges = to.if_contains("edges");
  const json::value* nodes = to.if_contains("nodes");
  if (edges == nullptr || !edges->is_array() || nodes == nullptr || !nodes->is_array())
    return;
  const node_names names(nodes->get_array());
  for (auto& edge : edges->get_array())
    if (edge.is_object())
      for (const std::string_view end : {"source", "target"})
        if (const std::string id = names.id_of(text_at(edge.get_object(), end)); !id.empty())
          edge.get_object()[end] = text_value(id);
}

void normalise_edges(json::object& to, faults& found) {
  json::value* list = to.if_contains("edges");
  if (list == nullptr || !list->is_array())
    return;
  std::size_t i = 0;
  for (auto& each : list->get_array()) {
    const std::string place = indexed("edges", i++);
    if (!each.is_object()) {
      found.error("", place, "wrong_type", "an edge must be an object");
      continue;
    }
    json::object& edge = each.get_object();
    apply(edge_fields(), edge, text_at(edge, "source"), place + ".", found);
    for (const std::string_view key : {"source_port", "target_port", "type"})
      if (member(edge, key) == nullptr)
        edge[key] = "main";
  }
}

} // namespace

result<json::object> normalise(const json::value& definition) {
  if (!definition.is_object())
    return invalid("definition_invalid", "the definition must be an object");
  json::object out = definition.get_object();
  faults found;
  read_connections(out, found);
  apply(workflow_fields(), out, "", "", found);
  if (member(out, "name") == nullptr)
    out["name"] = "Untitled Workflow";
  normalise_steps(out, found);
  normalise_nodes(out, found);
  if (member(out, "nodes") != nullptr && member(out, "edges") == nullptr)
    out["edges"] = json::array();
  normalise_edges(out, found);
  resolve_names(out);
  if (found.errors.empty())
    return out;
  failure why = invalid("definition_invalid",
                        found.errors.front().field + ": " + found.errors.front().message);
  why.node_errors = std::move(found.errors);
  return why;
}

} // namespace troupe

// The graph form of either form, for editors.
#include "runtime/workflow/compile.hpp"
#include "runtime/workflow/shape.hpp"

namespace troupe {

namespace {

using namespace drafting;

json::object node_of(const json::object& step, std::size_t i, const catalog& types) {
  json::object node = step;
  const std::string skill = text_at(step, "skill_type");
  const std::string id = text_at(step, "step_id");
  for (const std::string_view key : {"step_id", "skill_type", "depends_on"})
    node.erase(key);
  const node_type* row = types.find_by_skill(skill);
  node["id"] = text_value(id);
  if (member(step, "name") == nullptr)
    node["name"] = text_value(id);
  node["type"] = text_value(row != nullptr ? row->type : "SKILL");
  node["subtype"] = text_value(row != nullptr ? row->subtype : skill);
  node["type_version"] = 1;
  if (member(step, "disabled") == nullptr)
    node["disabled"] = false;
  if (member(step, "position") == nullptr)
    node["position"] = json::object{{"x", 240 * i}, {"y", 0}};
  return node;
}

} // namespace

json::object to_graph(const json::object& definition) {
  json::object out = definition;
  const json::value* steps = member(definition, "steps");
  if (steps == nullptr || !steps->is_array() || steps->get_array().empty())
    return out;
  const catalog types;
  json::array nodes, edges;
  for (const auto& each : steps->get_array()) {
    const json::object* step = each.if_object();
    if (step == nullptr)
      continue;
    const std::string id = text_at(*step, "step_id");
    nodes.push_back(node_of(*step, nodes.size(), types));
    const json::value* depends = member(*step, "depends_on");
    if (depends == nullptr || !depends->is_array())
      continue;
    for (const auto& source : depends->get_array())
      edges.push_back(json::object{{"source", source},
                                   {"source_port", "main"},
                                   {"target", text_value(id)},
                                   {"target_port", "main"},
                                   {"type", "main"},
                                   {"index", 0},
                                   {"kind", "order"}});
  }
  out.erase("steps");
  out["nodes"] = std::move(nodes);
  out["edges"] = std::move(edges);
  return out;
}

} // namespace troupe

// nodes and edges.
#include "runtime/workflow/compile.hpp"
#include "runtime/workflow/draft.hpp"
#include "runtime/workflow/shape.hpp"

namespace troupe::drafting {

namespace {

bool is_type(const catalog& types, std::string_view type) {
  for (const auto& t : types.all())
    if (t.type == type)
      return true;
  return false;
}

/// Finds the row of a skill, or takes it as registered. False when nobody knows it.
bool take_skill(draft_node& n, const std::string& skill, const compile_context& context) {
  const node_type* row = context.types.find_by_skill(skill);
  const bool built_in = row != nullptr && row->kind == node_kind::skill && row->skill_type == skill;
  if (!built_in && !(context.skill_known && context.skill_known(skill)))
    return false;
  n.skill_type = skill;
  n.spec = built_in ? row : context.types.find("SKILL", "SKILL");
  n.direct = !built_in;
  return true;
}

/// SKILL/SKILL {skill_type, parameters} becomes the node of that skill.
void unwrap_skill(draft_node& n, const compile_context& context, faults& found) {
  const std::string skill = text_at(n.parameters, "skill_type");
  const json::value* inner = member(n.parameters, "parameters");
  if (skill.empty() || (inner != nullptr && !inner->is_object()))
    return; // reported against the catalogue
  json::object own = inner == nullptr ? json::object() : inner->get_object();
  if (take_skill(n, skill, context))
    n.parameters = std::move(own);
  else
    found.error(n.id, "parameters.skill_type", "unknown_skill",
                "no skill is called \"" + skill + "\"");
}

void resolve_type(draft_node& n, const compile_context& context, faults& found) {
  const std::string type = text_at(*n.source, "type");
  const std::string subtype = text_at(*n.source, "subtype");
  if (type.empty()) {
    found.error(n.id, n.id.empty() ? n.place + ".type" : "type", "missing_type",
                "a node needs a type");
    return;
  }
  n.spec = context.types.find(type, subtype);
  if (n.spec != nullptr) {
    n.skill_type = n.spec->skill_type;
    if (n.spec->type == "SKILL" && n.spec->subtype == "SKILL")
      unwrap_skill(n, context, found);
    return;
  }
  if (type == "SKILL" && take_skill(n, subtype, context))
    return;
  if (is_type(context.types, type))
    found.error(n.id, "subtype", "unknown_subtype",
                type + " has no subtype \"" + subtype + "\"; GET /node-types lists them");
  else
    found.error(n.id, "type", "unknown_type",
                "no node type is called \"" + type + "\"; GET /node-types lists them");
}

void read_edge(draft& d, const json::object& edge, std::size_t i, faults& found) {
  draft_edge e;
  e.source = text_at(edge, "source");
  e.target = text_at(edge, "target");
  e.field = indexed("edges", i);
  e.made.source_port = text_at(edge, "source_port");
  e.made.target_port = text_at(edge, "target_port");
  e.made.type = text_at(edge, "type");
  if (const json::value* v = member(edge, "is_static"))
    e.made.is_static = v->as_bool();
  if (const json::value* v = member(edge, "index"))
    e.index = v->is_int64() ? v->get_int64() : INT64_MAX;
  if (const json::value* v = member(edge, "mapping"))
    e.mapping = &v->as_object();
  const std::string kind = text_at(edge, "kind");
  if (kind == "order")
    e.made.kind = edge_kind::order;
  else if (!kind.empty() && kind != "data")
    found.error(e.source, e.field + ".kind", "bad_value", "kind must be data or order");
  e.node = e.source;
  d.edges.push_back(std::move(e));
}

} // namespace

void read_graph(draft& d, const compile_context& context, faults& found) {
  std::size_t i = 0;
  for (const auto& each : d.definition.at("nodes").as_array()) {
    draft_node n;
    n.source = &each.as_object();
    n.place = indexed("nodes", i++);
    n.id = text_at(*n.source, "id");
    n.name = text_at(*n.source, "name");
    n.parameters = n.source->at("parameters").as_object();
    resolve_type(n, context, found);
    d.nodes.push_back(std::move(n));
  }
  i = 0;
  if (const json::value* edges = member(d.definition, "edges"))
    for (const auto& each : edges->as_array())
      read_edge(d, each.as_object(), i++, found);
}

} // namespace troupe::drafting

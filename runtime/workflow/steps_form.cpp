// steps with depends_on: every step is a node, every dependency an order edge.
#include "runtime/workflow/compile.hpp"
#include "runtime/workflow/draft.hpp"
#include "runtime/workflow/shape.hpp"

namespace troupe::drafting {

namespace {

void resolve_skill(draft_node& n, const compile_context& context, faults& found) {
  if (n.skill_type.empty()) {
    found.error(n.id, n.id.empty() ? n.place + ".skill_type" : "skill_type", "missing_skill",
                "skill_type says what the step does; it must be given");
    return;
  }
  n.spec = context.types.find_by_skill(n.skill_type);
  if (n.spec != nullptr)
    return;
  if (context.skill_known && context.skill_known(n.skill_type)) {
    n.spec = context.types.find("SKILL", "SKILL");
    n.direct = true;
    return;
  }
  found.error(n.id, "skill_type", "unknown_skill",
              "no skill and no node type is called \"" + n.skill_type + "\"");
}

void add_dependencies(draft& d, const draft_node& n, const json::object& step) {
  std::size_t i = 0;
  for (const auto& each : step.at("depends_on").as_array()) {
    draft_edge e;
    e.source = std::string(std::string_view(each.get_string()));
    e.target = n.id;
    e.made.kind = edge_kind::order;
    e.node = n.id;
    e.field = indexed("depends_on", i++);
    d.edges.push_back(std::move(e));
  }
}

} // namespace

void read_steps(draft& d, const compile_context& context, faults& found) {
  std::size_t i = 0;
  for (const auto& each : d.definition.at("steps").as_array()) {
    const json::object& step = each.as_object();
    draft_node n;
    n.place = indexed("steps", i++);
    n.id = text_at(step, "step_id");
    n.name = text_at(step, "name");
    if (n.name.empty())
      n.name = n.id;
    n.skill_type = text_at(step, "skill_type");
    n.source = &step;
    n.is_step = true;
    n.parameters = step.at("parameters").as_object();
    resolve_skill(n, context, found);
    add_dependencies(d, n, step);
    d.nodes.push_back(std::move(n));
  }
}

} // namespace troupe::drafting

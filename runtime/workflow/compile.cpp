#include "runtime/workflow/compile.hpp"

#include "runtime/workflow/draft.hpp"
#include "runtime/workflow/mapping.hpp"
#include "runtime/workflow/shape.hpp"

namespace troupe {

namespace {

using namespace drafting;

bool has_elements(const json::object& o, std::string_view key) {
  const json::value* v = member(o, key);
  return v != nullptr && v->is_array() && !v->get_array().empty();
}

/// Which form it is in, within limits. False when there is nothing to compile.
bool check_form(const json::object& definition, const definition_limits& limits, faults& found) {
  const bool steps = has_elements(definition, "steps");
  const bool nodes = has_elements(definition, "nodes");
  if (steps && (nodes || has_elements(definition, "edges"))) {
    found.error("", "steps", "two_forms", "give steps, or nodes and edges, not both");
    return false;
  }
  if (!steps && !nodes) {
    found.error("", "", "no_nodes", "a workflow needs at least one step or node");
    return false;
  }
  const std::string key = steps ? "steps" : "nodes";
  const std::size_t count = definition.at(key).as_array().size();
  if (count > limits.nodes_max) {
    found.error("", key, "too_many_nodes",
                std::to_string(count) + " nodes; at most " + std::to_string(limits.nodes_max) +
                    " are allowed");
    return false;
  }
  return true;
}

plan_node make_node(const draft_node& n, const draft& d, const compile_context& context,
                    bool continue_on_error, faults& found) {
  plan_node out;
  out.id = n.id;
  out.name = n.name.empty() ? n.id : n.name;
  out.skill_type = n.skill_type;
  out.in = n.in;
  out.out = n.out;
  out.detached = n.detached;
  if (n.spec != nullptr) {
    out.type = n.spec->type;
    out.subtype = n.spec->subtype;
    out.kind = n.spec->kind;
    out.effect = n.spec->effect;
  }
  if (out.kind != node_kind::skill)
    out.skill_type.clear();
  if (continue_on_error)
    out.error_policy = on_error::continue_;
  make_parameters(n, out, found);
  make_policies(n, d, context, out, found);
  return out;
}

void make_edges(const draft& d, plan& p, faults& found) {
  for (const auto& e : d.edges) {
    p.edges.push_back(e.made);
    if (e.mapping == nullptr)
      continue;
    auto made = compile_mapping(*e.mapping);
    if (made)
      p.edges.back().mapping = std::move(*made);
    else
      found.error(e.node, e.field + ".mapping", made.error().code,
                  made.error().message +
                      (made.error().hint.empty() ? "" : "; " + made.error().hint));
  }
}

std::shared_ptr<plan> make_plan(draft& d, const compile_context& context, faults& found) {
  auto p = std::make_shared<plan>();
  make_settings(d, context, *p, found);
  if (has_elements(d.definition, "steps"))
    read_steps(d, context, found);
  else
    read_graph(d, context, found);
  check_names(d, found);
  if (d.nodes.empty())
    found.error("", "nodes", "no_nodes", "a workflow needs at least one node that runs");
  for (auto& n : d.nodes)
    fill_parameters(n, found);
  bind_edges(d, found);
  detach_unreached(d, found);
  for (auto& n : d.nodes)
    check_kind(n, d, context, found);
  const bool ordered = check_cycles(d, found);
  for (const auto& n : d.nodes)
    p->nodes.push_back(make_node(n, d, context, p->continue_on_error, found));
  p->by_id = d.by_id;
  p->by_name = d.by_name;
  make_edges(d, *p, found);
  make_outputs(d, *p, found);
  if (ordered) {
    make_regions(d, *p, found);
    check_paths(d, *p, found);
  }
  return p;
}

} // namespace

compiled compile(const json::value& definition, const compile_context& context) {
  compiled out;
  auto stored = normalise(definition);
  if (!stored) {
    out.errors = std::move(stored).error().node_errors;
    if (out.errors.empty())
      out.errors.push_back({"", "", stored.error().code, stored.error().message});
    return out;
  }
  faults found;
  draft d(std::move(*stored));
  std::shared_ptr<plan> made;
  if (check_form(d.definition, context.limits, found))
    made = make_plan(d, context, found);
  sort_faults(d, found.errors);
  sort_faults(d, found.warnings);
  if (found.errors.empty())
    out.executable = std::move(made);
  out.errors = std::move(found.errors);
  out.warnings = std::move(found.warnings);
  return out;
}

} // namespace troupe

// Handlers of versions, validation, mapping tests and estimates.
#include "actors/gateway/workflow_text.hpp"
#include "net/rest/definition_tools.hpp"
#include "net/rest/headers.hpp"
#include "runtime/base/instant.hpp"
#include "runtime/workflow/mapping.hpp"

#include <algorithm>

namespace troupe::gate {

namespace {

void list_versions(const call_ptr& c) {
  if (!workflow_of(c))
    return;
  const auto id = c->path("id");
  auto numbers = c->engine().workflow_versions(id);
  std::sort(numbers.rbegin(), numbers.rend());
  json::array all;
  for (const auto n : numbers) {
    const auto w = c->engine().workflow(id, n);
    if (!w)
      continue;
    all.push_back(json::object{{"version", n},
                               {"active", n == w->active_version},
                               {"name", json::string(json::text_or(*w->definition, "name", ""))},
                               {"updated", json::string(to_text(from_millis(w->updated_ms)))},
                               {"definition_digest", json::string(w->definition_digest)},
                               {"runnable", w->executable != nullptr}});
  }
  c->page_of(all);
}

void read_version(const call_ptr& c) {
  const auto version = version_of(c, c->path("version"));
  if (!version)
    return;
  if (const auto w = workflow_of(c, *version))
    answer_workflow(c, 200, *w, c->request.parameter("view") == "graph");
}

void diff_versions(const call_ptr& c) {
  const auto from = version_of(c, c->path("version"));
  if (!from)
    return;
  const auto to = version_of(c, c->path("other"));
  if (!to)
    return;
  const auto before = workflow_of(c, *from);
  if (!before)
    return;
  const auto after = workflow_of(c, *to);
  if (!after)
    return;
  auto out = rest::definition_diff(to_graph(before->definition->as_object()),
                                   to_graph(after->definition->as_object()));
  out["from_version"] = *from;
  out["to_version"] = *to;
  c->json(200, out);
}

void activate_version(const call_ptr& c) {
  const auto version = version_of(c, c->path("version"));
  if (!version)
    return;
  const auto w = workflow_of(c, *version);
  if (!w)
    return;
  c->engine().activate_workflow(
      w->id, *version,
      then<workflow_ptr>(c, [c](const workflow_ptr& now) { answer_workflow(c, 200, *now); }));
}

void answer_validation(const call_ptr& c, const std::vector<node_error>& errors,
                       const std::vector<node_error>& warnings) {
  c->json(200, json::object{{"valid", errors.empty()},
                            {"errors", errors_json(errors)},
                            {"warnings", errors_json(warnings)}});
}

/// What GET answered may be sent back; what import takes, too.
json::object bare_definition(const call_ptr& c) {
  json::object out = c->body;
  for (const auto key : {"workflow", "definition"})
    if (const auto* inner = c->body.if_contains(key); inner != nullptr && inner->is_object())
      out = inner->get_object();
  rest::drop_server_fields(out);
  return out;
}

void validate_workflow(const call_ptr& c) {
  const auto made = c->engine().check(bare_definition(c));
  answer_validation(c, made.errors, made.warnings);
}

bool about_edges(const node_error& e) {
  for (const std::string_view start : {"edges", "connections", "depends_on"})
    if (e.field.starts_with(start))
      return true;
  for (const std::string_view word : {"edge", "port", "cycle", "connection", "dependency"})
    if (e.code.find(word) != std::string::npos)
      return true;
  return false;
}

void validate_connections(const call_ptr& c) {
  auto definition = bare_definition(c);
  if (!definition.contains("name"))
    definition["name"] = "connections";
  auto made = c->engine().check(definition);
  const auto others = [](const node_error& e) { return !about_edges(e); };
  std::erase_if(made.errors, others);
  std::erase_if(made.warnings, others);
  answer_validation(c, made.errors, made.warnings);
}

void test_data_mapping(const call_ptr& c) {
  rest::fields in(c->body);
  const auto* mapping = in.map("mapping");
  if (in.any("mapping") == nullptr)
    in.complain("mapping", "required", "is required");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  const json::value* input = nullptr;
  for (const auto key : {"input", "sample_data", "source_data", "data"})
    if (input == nullptr)
      input = c->body.if_contains(key);
  static const json::value nothing;
  auto mapped = apply_mapping(*mapping, input == nullptr ? nothing : *input);
  if (!mapped)
    return c->refuse(mapped.error());
  c->json(200, json::object{{"output", std::move(*mapped)}});
}

json::array costs_of(const call_ptr& c, const workflow_entry& w, double& total) {
  json::array out;
  const auto graph = to_graph(w.definition->as_object());
  const auto* nodes = graph.if_contains("nodes");
  if (nodes == nullptr || !nodes->is_array())
    return out;
  for (const auto& node : nodes->get_array()) {
    const auto* type = c->engine().node_types().find(json::text_or(node, "type", ""),
                                                     json::text_or(node, "subtype", ""));
    const double cost = type == nullptr ? 0 : type->cost;
    total += cost;
    out.push_back(
        json::object{{"node", json::string(json::text_or(node, "id", ""))}, {"cost", cost}});
  }
  return out;
}

void estimate_workflow(const call_ptr& c) {
  const auto w = workflow_of(c);
  if (!w)
    return;
  const auto answer = [c, w](const view_page& page) {
    double total = 0;
    auto nodes = costs_of(c, *w, total);
    json::value duration;
    if (!page.items.empty())
      if (auto stats = json::parse(page.items.front()); stats)
        if (const auto* v = json::find(*stats, "avg_duration"))
          duration = *v;
    c->json(200, json::object{{"estimated_cost", total},
                              {"execution_time", std::move(duration)},
                              {"nodes", std::move(nodes)}});
  };
  c->engine().query(execution_stats_query{w->id}, {}, then<view_page>(c, answer));
}

} // namespace

std::vector<handler_row> version_handlers() {
  return {{"list_versions", list_versions},         {"read_version", read_version},
          {"diff_versions", diff_versions},         {"activate_version", activate_version},
          {"validate_workflow", validate_workflow}, {"validate_connections", validate_connections},
          {"test_data_mapping", test_data_mapping}, {"estimate_workflow", estimate_workflow}};
}

} // namespace troupe::gate

#include "actors/gateway/workflow_text.hpp"

#include "net/rest/definition_tools.hpp"
#include "net/rest/headers.hpp"
#include "runtime/base/instant.hpp"

namespace troupe::gate {

namespace {

constexpr int save_tries = 5;

failure stale_version() {
  return {failure_kind::precondition,
          "version_mismatch",
          "The workflow was changed since the version that If-Match names.",
          "Read it again and repeat the change.",
          {}};
}

void try_change(const call_ptr& c, bool draft, bool must_match, int tries,
                const std::function<json::object(const json::object&)>& change) {
  const auto stored = workflow_of(c);
  if (!stored)
    return;
  auto definition = change(stored->definition->as_object());
  rest::drop_server_fields(definition);
  auto saved = [c, draft, must_match, tries, change](result<workflow_ptr> got) {
    if (got)
      return answer_workflow(c, 200, **got);
    if (got.error().kind != failure_kind::precondition)
      return c->refuse(got.error());
    if (must_match)
      return c->refuse(stale_version());
    if (tries <= 1)
      return c->refuse(
          {failure_kind::conflict, "busy", "The workflow is changed too often.", "Try again.", {}});
    try_change(c, draft, must_match, tries - 1, change);
  };
  c->engine().save_workflow(stored->id, std::move(definition), draft, stored->version,
                            std::move(saved));
}

} // namespace

json::array errors_json(const std::vector<node_error>& errors) {
  json::array out;
  for (const auto& e : errors)
    out.push_back(json::object{{"node", json::string(e.node)},
                               {"field", json::string(e.field)},
                               {"code", json::string(e.code)},
                               {"message", json::string(e.message)}});
  return out;
}

json::object workflow_json(const workflow_entry& w, bool graph) {
  json::object out{{"id", json::string(w.id)}, {"version", w.version}};
  const auto& definition = w.definition->as_object();
  for (auto& [key, v] : graph ? to_graph(definition) : definition)
    out[key] = v;
  out["id"] = json::string(w.id);
  out["version"] = w.version;
  out["active_version"] = w.active_version;
  out["latest_version"] = w.latest_version;
  out["enabled"] = w.enabled;
  out["created"] = json::string(troupe::to_text(from_millis(w.created_ms)));
  out["updated"] = json::string(troupe::to_text(from_millis(w.updated_ms)));
  out["runnable"] = w.executable != nullptr;
  if (!w.errors.empty())
    out["node_errors"] = errors_json(w.errors);
  return out;
}

void answer_workflow(const call_ptr& c, unsigned status, const workflow_entry& w, bool graph) {
  c->header("ETag", rest::etag_of(w.version));
  if (status == 201)
    c->header("Location", "/api/v1/workflows/" + w.id);
  c->at(w.at);
  c->json(status, workflow_json(w, graph));
}

void change_workflow(const call_ptr& c, bool draft,
                     std::function<json::object(const json::object& stored)> change) {
  const auto if_match = rest::if_match_of(c->request);
  if (!if_match)
    return c->refuse(if_match.error());
  const auto stored = workflow_of(c);
  if (!stored)
    return;
  if (*if_match && **if_match != stored->version)
    return c->refuse(stale_version());
  try_change(c, draft, if_match->has_value(), save_tries, change);
}

std::optional<bool> draft_of(const call_ptr& c) {
  const auto flag = rest::flag_parameter(c->request, "draft");
  if (!flag) {
    c->refuse(flag.error());
    return std::nullopt;
  }
  return flag->value_or(false);
}

} // namespace troupe::gate

// Handlers of /workflows and /workflows/{id}.
#include "actors/gateway/workflow_text.hpp"
#include "net/rest/definition_tools.hpp"
#include "net/rest/headers.hpp"

namespace troupe::gate {

namespace {

void list_workflows(const call_ptr& c) {
  const auto page = rest::page_of(c->request);
  if (!page)
    return c->refuse(page.error());
  document_filter what;
  what.collection = "workflows";
  what.query = c->request.parameter("query");
  what.tags = rest::list_parameter(c->request, "tags");
  what.limit = page->limit;
  what.cursor = page->cursor;
  for (const std::string_view name : {"enabled_only", "active_only"}) {
    const auto only = rest::flag_parameter(c->request, name);
    if (!only)
      return c->refuse(only.error());
    if (only->value_or(false))
      what.enabled = true;
  }
  for (const auto& [parameter, field] :
       {std::pair{"notebook_id", "target_notebook_id"}, std::pair{"user_id", "user_id"}}) {
    const auto wanted = c->request.parameter(parameter);
    if (wanted.empty())
      continue;
    if (!what.field.empty())
      return c->refuse(invalid("bad_parameter", "notebook_id and user_id exclude each other."));
    what.field = field;
    what.field_value = wanted;
  }
  answer_query(c, std::move(what));
}

void save_new(const call_ptr& c, json::object definition, bool draft) {
  rest::drop_server_fields(definition);
  c->engine().save_workflow(
      "", std::move(definition), draft, std::nullopt,
      then<workflow_ptr>(c, [c](const workflow_ptr& w) { answer_workflow(c, 201, *w); }));
}

void create_workflow(const call_ptr& c) {
  if (const auto draft = draft_of(c))
    save_new(c, std::move(c->body), *draft);
}

void read_workflow(const call_ptr& c) {
  const auto view = c->request.parameter("view");
  if (!view.empty() && view != "graph" && view != "stored")
    return c->refuse(invalid("bad_parameter", "Parameter 'view' must be graph or stored."));
  std::uint32_t version = 0;
  if (const auto text = c->request.parameter("version"); !text.empty()) {
    const auto given = version_of(c, text);
    if (!given)
      return;
    version = *given;
  }
  const auto w = workflow_of(c, version);
  if (!w)
    return;
  // A later version changes what the answer says, not its ETag.
  const auto etag = rest::etag_of(w->version);
  const bool plain = view != "graph" && w->version == w->latest_version;
  if (plain && rest::none_match_names(c->request, etag))
    return c->send({304, {{"ETag", etag}}, {}, {}});
  answer_workflow(c, 200, *w, view == "graph");
}

void patch_workflow(const call_ptr& c) {
  const auto draft = draft_of(c);
  if (!draft)
    return;
  rest::drop_server_fields(c->body);
  change_workflow(c, *draft,
                  [c](const json::object& stored) { return rest::merged(stored, c->body); });
}

void put_workflow(const call_ptr& c) {
  if (const auto draft = draft_of(c))
    change_workflow(c, *draft, [c](const json::object&) { return c->body; });
}

void delete_workflow(const call_ptr& c) {
  const auto if_match = rest::if_match_of(c->request);
  if (!if_match)
    return c->refuse(if_match.error());
  const auto w = workflow_of(c);
  if (!w)
    return;
  if (*if_match && **if_match != w->version)
    return c->refuse({failure_kind::precondition,
                      "version_mismatch",
                      "The workflow was changed since the version that If-Match names.",
                      {},
                      {}});
  c->engine().delete_workflow(w->id, then<done_at>(c, [c](const done_at& done) {
                                c->at(done.at);
                                c->send({204, {}, {}, {}});
                              }));
}

void duplicate_workflow(const call_ptr& c) {
  const auto w = workflow_of(c);
  if (!w)
    return;
  json::object copy = w->definition->as_object();
  const auto name = json::text_or(*w->definition, "name", "");
  copy["name"] = json::string(std::string(name) + " Copy");
  copy["enabled"] = false;
  copy.erase("schedule");
  copy.erase("webhooks");
  save_new(c, std::move(copy), w->executable == nullptr);
}

void set_enabled(const call_ptr& c, bool enabled) {
  const auto w = workflow_of(c);
  if (!w)
    return;
  if (w->enabled == enabled)
    return answer_workflow(c, 200, *w);
  change_workflow(c, w->executable == nullptr, [enabled](const json::object& stored) {
    json::object out = stored;
    out["enabled"] = enabled;
    return out;
  });
}

void enable_workflow(const call_ptr& c) {
  set_enabled(c, true);
}
void disable_workflow(const call_ptr& c) {
  set_enabled(c, false);
}

void import_workflow(const call_ptr& c) {
  const auto draft = draft_of(c);
  if (!draft)
    return;
  const auto* inner = c->body.if_contains("workflow");
  if (inner == nullptr)
    return save_new(c, std::move(c->body), *draft);
  if (!inner->is_object())
    return c->refuse(invalid("wrong_type", "Field 'workflow' must be an object."));
  save_new(c, inner->get_object(), *draft);
}

void export_workflow(const call_ptr& c) {
  std::uint32_t version = 0;
  if (const auto text = c->request.parameter("version"); !text.empty()) {
    const auto given = version_of(c, text);
    if (!given)
      return;
    version = *given;
  }
  if (const auto w = workflow_of(c, version))
    c->json(200, json::object{{"format", "troupe.workflow"},
                              {"format_version", 1},
                              {"workflow", rest::portable(w->definition->as_object())}});
}

void answer_stats(const call_ptr& c, std::string workflow) {
  auto at_least = positions_of(c);
  if (!at_least)
    return;
  c->engine().query(execution_stats_query{std::move(workflow)}, std::move(*at_least),
                    then<view_page>(c, [c](const view_page& page) {
                      c->json_text(200, page.items.empty() ? "{}" : page.items.front());
                    }));
}

void stats_overview(const call_ptr& c) {
  answer_stats(c, {});
}
void workflow_stats(const call_ptr& c) {
  if (const auto w = workflow_of(c))
    answer_stats(c, w->id);
}

} // namespace

std::vector<handler_row> workflow_handlers() {
  return {{"list_workflows", list_workflows},
          {"create_workflow", create_workflow},
          {"read_workflow", read_workflow},
          {"patch_workflow", patch_workflow},
          {"put_workflow", put_workflow},
          {"delete_workflow", delete_workflow},
          {"duplicate_workflow", duplicate_workflow},
          {"enable_workflow", enable_workflow},
          {"disable_workflow", disable_workflow},
          {"import_workflow", import_workflow},
          {"export_workflow", export_workflow},
          {"stats_overview", stats_overview},
          {"workflow_stats", workflow_stats}};
}

} // namespace troupe::gate

// Handlers of skill instances: a skill with a name and stored parameters.
#include "actors/gateway/listing.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "actors/gateway/skill_record.hpp"
#include "actors/gateway/start.hpp"
#include "runtime/base/instant.hpp"

namespace troupe::gate {

namespace {

constexpr std::string_view collection = "skill_instances";

std::optional<document> instance_of(const call_ptr& c) {
  auto found = c->engine().read_document(collection, c->match.parameter("id"));
  if (!found || !found->body.is_object()) {
    c->refuse(not_found("skill_instance_not_found", "There is no such skill instance."));
    return std::nullopt;
  }
  return found;
}

bool skill_exists(const call_ptr& c, std::string_view type) {
  for (const auto& skill : items_of(c->engine().skills(), "skills"))
    if (json::text_or(skill, "skill_type", "") == type)
      return true;
  return false;
}

/// Puts what the request names into the instance; the first fault, if any.
std::optional<failure> read_instance(const call_ptr& c, json::object& to) {
  rest::fields in(c->body);
  for (const std::string_view name : {"name", "skill_type", "description"})
    if (in.any(name) != nullptr)
      to[name] = json::string(in.text(name));
  if (in.any("enabled") != nullptr)
    to["enabled"] = in.flag("enabled", true);
  if (const auto* parameters = in.map("parameters"))
    to["parameters"] = *parameters;
  const json::value holder(to);
  for (const std::string_view name : {"name", "skill_type"})
    if (json::text_or(holder, name, "").empty())
      in.complain(name, "required", "is required");
  if (auto fault = in.fault())
    return fault;
  const auto type = json::text_or(holder, "skill_type", "");
  if (skill_exists(c, type))
    return std::nullopt;
  return failure{failure_kind::malformed,
                 "skill_not_found",
                 "There is no skill of this type.",
                 "See GET /api/v1/skills/available.",
                 {{"", "skill_type", "unknown_skill", "no skill has this name"}}};
}

void save_instance(const call_ptr& c, unsigned status, json::object instance,
                   std::uint64_t if_version) {
  instance["updated"] = json::string(to_text(c->engine().now()));
  document_write what{std::string(collection), std::string(instance.at("id").as_string()),
                      if_version, json::value(instance)};
  c->engine().write_document(
      std::move(what), then<done_at>(c, [c, status, instance](const done_at& done) {
        c->at(done.at);
        if (status == 201)
          c->header("Location",
                    "/api/v1/skills/instances/" + std::string(instance.at("id").as_string()));
        c->json(status, instance);
      }));
}

void list_instances(const call_ptr& c) {
  const auto page = rest::page_of(c->request);
  if (!page)
    return c->refuse(page.error());
  document_filter what;
  what.collection = collection;
  what.limit = page->limit;
  what.cursor = page->cursor;
  if (const auto type = c->request.parameter("skill_type"); !type.empty()) {
    what.field = "skill_type";
    what.field_value = type;
  }
  answer_query(c, std::move(what));
}

void create_instance(const call_ptr& c) {
  if (sent_to_control(c))
    return;
  json::object made{{"id", json::string(c->home->new_hex(32))},
                    {"description", nullptr},
                    {"parameters", json::object{}},
                    {"enabled", true},
                    {"created", json::string(to_text(c->engine().now()))}};
  if (const auto fault = read_instance(c, made))
    return c->refuse(*fault);
  save_instance(c, 201, std::move(made), 0);
}

void read_one(const call_ptr& c) {
  if (const auto found = instance_of(c))
    c->json(200, found->body);
}

void patch_instance(const call_ptr& c) {
  if (sent_to_control(c))
    return;
  const auto found = instance_of(c);
  if (!found)
    return;
  json::object changed = found->body.get_object();
  if (const auto fault = read_instance(c, changed))
    return c->refuse(*fault);
  save_instance(c, 200, std::move(changed), found->version);
}

void delete_instance(const call_ptr& c) {
  const auto found = instance_of(c);
  if (!found)
    return;
  c->engine().write_document({std::string(collection), found->id, std::nullopt, std::nullopt},
                             then<done_at>(c, [c](const done_at& done) {
                               c->at(done.at);
                               c->send({204, {}, {}, {}});
                             }));
}

void execute_instance(const call_ptr& c) {
  const auto found = instance_of(c);
  if (!found)
    return;
  rest::fields in(c->body);
  const auto* more = in.map("parameters");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  const auto* enabled = json::find(found->body, "enabled");
  if (enabled != nullptr && enabled->is_bool() && !enabled->get_bool())
    return c->refuse({failure_kind::malformed,
                      "skill_instance_disabled",
                      "The skill instance is disabled.",
                      "Enable it with PATCH {\"enabled\": true}.",
                      {}});
  json::object given;
  if (const auto* stored = json::find(found->body, "parameters"); stored && stored->is_object())
    given = stored->get_object();
  if (more != nullptr)
    for (const auto& [key, v] : *more)
      given[key] = v;
  const std::string type(json::text_or(found->body, "skill_type", ""));
  with_skill_workflow(c, type, given, [c, given, id = found->id](const workflow_ptr& w) {
    auto what = skill_start(*w, given, "skill");
    what.triggered_by = std::string(instance_prefix) + id;
    if (read_start_headers(c, what))
      start_run(c, std::move(what));
  });
}

} // namespace

std::vector<handler_row> skill_instance_handlers() {
  return {{"list_skill_instances", list_instances},   {"create_skill_instance", create_instance},
          {"read_skill_instance", read_one},          {"patch_skill_instance", patch_instance},
          {"delete_skill_instance", delete_instance}, {"execute_skill_instance", execute_instance}};
}

} // namespace troupe::gate

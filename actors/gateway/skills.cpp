// Handlers of skills that run alone.
#include "actors/gateway/executions.hpp"
#include "actors/gateway/listing.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "actors/gateway/skill_record.hpp"
#include "actors/gateway/start.hpp"

namespace troupe::gate {

json::array items_of(const json::value& v, std::string_view name) {
  if (const auto* list = v.if_array())
    return *list;
  for (const auto key : {std::string_view("items"), name})
    if (const auto* list = json::find(v, key); list != nullptr && list->is_array())
      return list->get_array();
  json::array out;
  if (const auto* map = v.if_object())
    for (const auto& [key, member] : *map)
      if (auto* inner = member.if_object()) {
        json::object item{{"name", json::string(std::string_view(key))}};
        for (const auto& [k, m] : *inner)
          item[k] = m;
        out.push_back(std::move(item));
      }
  return out;
}

namespace {

void list_skills(const call_ptr& c) {
  if (sent_to_control(c))
    return;
  auto all = items_of(c->engine().skills(), "skills");
  for (auto& skill : all)
    if (auto* o = skill.if_object(); o != nullptr && !o->contains("name"))
      (*o)["name"] = json::string(json::text_or(skill, "skill_type", ""));
  c->page_of(all);
}

void execute_skill(const call_ptr& c) {
  rest::fields in(c->body);
  const auto type = in.required_text("skill_type");
  const auto* parameters = in.map("parameters");
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  json::object given = parameters == nullptr ? json::object{} : *parameters;
  with_skill_workflow(c, type, given, [c, given](const workflow_ptr& w) {
    auto what = skill_start(*w, given, "skill");
    if (read_start_headers(c, what))
      start_run(c, std::move(what));
  });
}

void list_skill_executions(const call_ptr& c) {
  execution_filter what;
  what.trigger_type = "skill";
  if (const auto type = c->request.parameter("skill_type"); !type.empty())
    what.workflow_id = "skill:" + std::string(type);
  if (const auto id = c->request.parameter("skill_instance_id"); !id.empty())
    what.triggered_by = std::string(instance_prefix) + std::string(id);
  list_runs_as(c, std::move(what), skill_record);
}

void read_skill_execution(const call_ptr& c) {
  const auto run = run_of(c);
  if (!run)
    return;
  read_run(c, *run, [c](const execution_text& got) {
    const auto parsed = json::parse(*got.json);
    if (!parsed)
      return c->refuse(parsed.error());
    c->json(200, skill_record(*parsed));
  });
}

} // namespace

std::vector<handler_row> skill_handlers() {
  return {{"list_skills", list_skills},
          {"execute_skill", execute_skill},
          {"list_skill_executions", list_skill_executions},
          {"read_skill_execution", read_skill_execution}};
}

} // namespace troupe::gate

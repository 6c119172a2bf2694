// Single skills run as workflows of one step, so that they are as durable as any other run.
#include "actors/gateway/start.hpp"
#include "net/rest/definition_tools.hpp"

#include <algorithm>

namespace troupe::gate {

namespace {

constexpr std::string_view step_name = "run";

bool skill_type_is_good(std::string_view type) {
  return !type.empty() && type.size() <= 128 && std::all_of(type.begin(), type.end(), [](char ch) {
    return (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') || (ch >= '0' && ch <= '9') ||
           ch == '_' || ch == '-' || ch == '.' || ch == '/' || ch == ':';
  });
}

json::object definition_of(const std::string& type, json::object parameters) {
  json::object step{{"step_id", json::string(step_name)},
                    {"skill_type", json::string(type)},
                    {"name", json::string(type)},
                    {"parameters", std::move(parameters)}};
  return {{"name", json::string("skill:" + type)}, {"steps", json::array{std::move(step)}}};
}

/// Never the caller's values: each run brings its own, and they may be secret.
json::object stored_parameters(const node_type* spec, const json::object& given) {
  json::object out;
  if (spec == nullptr)
    return out;
  for (const auto& p : spec->parameters) {
    if (!p.required)
      continue;
    if (p.templated)
      out[p.name] = json::string("{{ input." + p.name + " }}");
    else if (const auto* v = given.if_contains(p.name))
      out[p.name] = *v;
  }
  return out;
}

/// The skill's own schema: JSON Schema's `properties` and `required`, or a map of names.
std::optional<failure> schema_fault(const engine_port& engine, const std::string& type,
                                    const json::object& parameters) {
  const auto skills = engine.skills();
  const json::value* list = skills.is_array() ? &skills : json::find(skills, "items");
  if (list == nullptr || !list->is_array())
    return std::nullopt;
  for (const auto& skill : list->get_array()) {
    if (json::text_or(skill, "skill_type", "") != type)
      continue;
    const auto* schema = json::find(skill, "parameters_schema");
    const auto* properties = schema == nullptr ? nullptr : json::find(*schema, "properties");
    if (properties == nullptr || !properties->is_object())
      return std::nullopt;
    json::object wanted;
    for (const auto& [name, rule] : properties->get_object())
      if (rule.is_object() && rule.get_object().contains("type") &&
          rule.get_object().at("type").is_string())
        wanted[name] = rule;
    if (const auto* required = json::find(*schema, "required"); required && required->is_array())
      for (const auto& name : required->get_array())
        if (name.is_string() && wanted.contains(name.get_string()))
          wanted[name.get_string()].as_object()["required"] = true;
    const auto checked = apply_input_schema(wanted, parameters);
    return checked ? std::nullopt : std::optional(checked.error());
  }
  return std::nullopt;
}

} // namespace

start_request skill_start(const workflow_entry& w, const json::object& parameters,
                          std::string trigger_type) {
  start_request what;
  what.workflow_id = w.id;
  what.input = share(parameters);
  // The values are data: what looks like a template in them must not be rendered.
  json::object given;
  for (const auto& [key, v] : parameters) {
    const auto taken = "{{ input[" + json::write(json::string(key)) + "] }}";
    given[key] =
        json::write(v).find('{') == std::string::npos ? v : json::value(json::string(taken));
  }
  what.overrides = share(json::object{{step_name, std::move(given)}});
  what.trigger_type = std::move(trigger_type);
  return what;
}

void with_skill_workflow(const call_ptr& c, const std::string& skill_type,
                         const json::object& parameters,
                         std::function<void(const workflow_ptr&)> go_on) {
  if (!skill_type_is_good(skill_type))
    return c->refuse(invalid("bad_skill_type", "Field 'skill_type' is not the name of a skill."));
  const auto checked = c->engine().check(definition_of(skill_type, parameters));
  if (!checked.errors.empty()) {
    const bool unknown =
        std::any_of(checked.errors.begin(), checked.errors.end(), [](const node_error& e) {
          return e.code.find("unknown") != std::string::npos;
        });
    failure why =
        unknown ? not_found("skill_not_found", "There is no skill of this type.")
                : invalid("parameters_invalid", "The parameters are not what the skill takes.");
    why.node_errors = checked.errors;
    return c->refuse(why);
  }
  if (const auto fault = schema_fault(c->engine(), skill_type, parameters))
    return c->refuse(*fault);
  const auto id = "skill:" + skill_type;
  if (const auto stored = c->engine().workflow(id); stored && stored->executable)
    return go_on(stored);
  const auto* spec = c->engine().node_types().find_by_skill(skill_type);
  c->engine().save_workflow(id, definition_of(skill_type, stored_parameters(spec, parameters)),
                            false, std::nullopt, then<workflow_ptr>(c, std::move(go_on)));
}

} // namespace troupe::gate

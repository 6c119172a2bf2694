#include "runtime/catalog/catalog.hpp"

#include "runtime/catalog/rows.hpp"

#include <algorithm>
#include <array>

namespace troupe {

namespace {

struct group_row {
  std::string_view type, description;
};

constexpr std::array<group_row, 12> groups{{
    {"TRIGGER", "Where runs start"},
    {"AI_AGENT", "Language models and agents"},
    {"ACTION", "Requests, code and data"},
    {"EXTERNAL_ACTION", "Services of others"},
    {"FLOW", "Branches, loops and waiting"},
    {"HUMAN_IN_THE_LOOP", "Questions to people"},
    {"TOOL", "Tools for people and models"},
    {"MEMORY", "What outlives a run"},
    {"SKILL", "Registered skills"},
    {"SUBWORKFLOW", "Other workflows"},
    {"OUTPUT", "Values of the run's output"},
    {"NOTE", "Text in the editor"},
}};

struct alias_row {
  std::string_view name, type, subtype;
};

/// Words for node types: as `skill_type` of a step, or as `type` of a node without a subtype.
constexpr std::array<alias_row, 19> aliases{{
    {"Input", "TRIGGER", "MANUAL"},
    {"Condition", "FLOW", "IF"},
    {"Loop", "FLOW", "LOOP"},
    {"API", "ACTION", "HTTP_REQUEST"},
    {"Output", "OUTPUT", "OUTPUT"},
    {"manual", "TRIGGER", "MANUAL"},
    {"manual_trigger", "TRIGGER", "MANUAL"},
    {"human_in_the_loop", "HUMAN_IN_THE_LOOP", "APP"},
    {"data_transformation", "ACTION", "DATA_TRANSFORMATION"},
    {"set_variable", "ACTION", "SET_VARIABLE"},
    {"if", "FLOW", "IF"},
    {"switch", "FLOW", "SWITCH"},
    {"filter", "FLOW", "FILTER"},
    {"loop", "FLOW", "LOOP"},
    {"merge", "FLOW", "MERGE"},
    {"wait", "FLOW", "WAIT"},
    {"subworkflow", "SUBWORKFLOW", "SUBWORKFLOW"},
    {"output", "OUTPUT", "OUTPUT"},
    {"note", "NOTE", "NOTE"},
}};

const alias_row* alias_of(std::string_view name) noexcept {
  const auto at = std::find_if(aliases.begin(), aliases.end(),
                               [name](const alias_row& a) { return a.name == name; });
  return at == aliases.end() ? nullptr : &*at;
}

std::string_view to_text(parameter_type type) noexcept {
  static constexpr std::array<std::string_view, 12> names{
      "string", "integer", "number", "boolean", "enum", "object",
      "list",   "any",     "url",    "email",   "cron", "expression"};
  return names[static_cast<std::size_t>(type)];
}

std::string_view to_text(effect_class effect) noexcept {
  static constexpr std::array<std::string_view, 4> names{"pure", "instant", "internal", "io"};
  return names[static_cast<std::size_t>(effect)];
}

json::array texts(const std::vector<std::string>& words) {
  json::array out;
  for (const auto& word : words)
    out.emplace_back(json::string(word));
  return out;
}

json::object describe_parameter(const parameter_spec& p) {
  json::object out{{"name", p.name},
                   {"type", json::string(to_text(p.type))},
                   {"required", p.required},
                   {"templated", p.templated},
                   {"description", p.description}};
  if (p.fallback)
    out["default"] = *p.fallback;
  if (!p.values.empty())
    out["enum"] = texts(p.values);
  if (p.minimum)
    out["minimum"] = *p.minimum;
  if (p.maximum)
    out["maximum"] = *p.maximum;
  return out;
}

} // namespace

catalog::catalog() {
  rows::add_structure(types_);
  rows::add_actions(types_);
  rows::add_flow(types_);
}

const node_type* catalog::find(std::string_view type, std::string_view subtype) const noexcept {
  if (subtype.empty()) {
    const alias_row* alias = alias_of(type);
    subtype = alias != nullptr ? alias->subtype : type;
    type = alias != nullptr ? alias->type : type;
  }
  const auto at = std::find_if(types_.begin(), types_.end(), [&](const node_type& t) {
    return t.type == type && t.subtype == subtype;
  });
  return at == types_.end() ? nullptr : &*at;
}

const node_type* catalog::find_by_skill(std::string_view skill_type) const noexcept {
  if (skill_type.empty())
    return nullptr;
  for (const auto& t : types_)
    if (t.skill_type == skill_type)
      return &t;
  if (const alias_row* alias = alias_of(skill_type))
    return find(alias->type, alias->subtype);
  const auto slash = skill_type.find('/');
  if (slash == std::string_view::npos)
    return nullptr;
  return find(skill_type.substr(0, slash), skill_type.substr(slash + 1));
}

json::array catalog::describe_groups() const {
  json::array out;
  for (const auto& group : groups) {
    json::array members;
    for (const auto& t : types_)
      if (t.type == group.type)
        members.push_back(describe(t));
    out.push_back(json::object{{"type", json::string(group.type)},
                               {"description", json::string(group.description)},
                               {"node_types", std::move(members)}});
  }
  return out;
}

json::object catalog::describe(const node_type& t) {
  json::array parameters;
  for (const auto& p : t.parameters)
    parameters.push_back(describe_parameter(p));
  json::object out{{"type", t.type},
                   {"subtype", t.subtype},
                   {"description", t.description},
                   {"effect", json::string(to_text(t.effect))},
                   {"parameters", std::move(parameters)},
                   {"inputs", texts(t.inputs)},
                   {"outputs", texts(t.outputs)},
                   {"executable", t.executable},
                   {"ui_type", t.ui_type},
                   {"cost", t.cost}};
  if (!t.skill_type.empty())
    out["skill_type"] = json::string(t.skill_type);
  return out;
}

} // namespace troupe

#include "actors/gateway/skill_record.hpp"

namespace troupe::gate {

namespace {

constexpr std::string_view workflow_prefix = "skill:";

} // namespace

json::value first_of(const json::value& v, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys)
    if (const auto* found = json::find(v, key); found != nullptr && !found->is_null())
      return *found;
  return nullptr;
}

json::value step_member(const json::value& execution, std::string_view key) {
  const auto* steps = json::find(execution, "steps");
  if (steps == nullptr || !steps->is_array() || steps->get_array().empty())
    return nullptr;
  return first_of(steps->get_array().front(), {key});
}

std::string_view skill_type_of(const json::value& execution) {
  const auto workflow = json::text_or(execution, "workflow_id", "");
  return workflow.starts_with(workflow_prefix) ? workflow.substr(workflow_prefix.size()) : workflow;
}

json::object skill_record(const json::value& execution) {
  json::object out = execution.is_object() ? execution.get_object() : json::object{};
  out["skill_type"] = json::string(skill_type_of(execution));
  const auto by = json::text_or(execution, "triggered_by", "");
  out["skill_instance_id"] = by.starts_with(instance_prefix)
                                 ? json::value(json::string(by.substr(instance_prefix.size())))
                                 : json::value(nullptr);
  out["output"] = step_member(execution, "output");
  return out;
}

} // namespace troupe::gate

#include "runtime/workflow/shape.hpp"

#include <algorithm>
#include <array>

namespace troupe::drafting {

namespace {

constexpr field_rule workflow_rules[] = {
    {"id", shape::text},
    {"name", shape::text},
    {"description", shape::text},
    {"enabled", shape::flag, preset::yes},
    {"steps", shape::list},
    {"nodes", shape::list},
    {"edges", shape::list},
    {"input_schema", shape::map},
    {"output_mapping", shape::map},
    {"schedule", shape::text},
    {"target_notebook_id", shape::text},
    {"settings", shape::map, preset::empty_map},
    {"variables", shape::map},
    {"vars", shape::map},
    {"pin_data", shape::map},
    {"static_data", shape::map},
    {"tags", shape::texts},
    {"version", shape::whole},
    {"is_template", shape::flag},
};

constexpr field_rule step_rules[] = {
    {"step_id", shape::text},
    {"skill_type", shape::text},
    {"name", shape::text},
    {"description", shape::text},
    {"parameters", shape::map, preset::empty_map},
    {"depends_on", shape::texts, preset::empty_list},
    {"condition", shape::text},
    {"retry_on_fail", shape::whole, preset::zero},
    {"retry_delay_seconds", shape::number, preset::five},
    {"continue_on_fail", shape::flag, preset::no},
    {"timeout_seconds", shape::number},
    {"retry_policy", shape::map},
    {"on_error", shape::text},
    {"fallback", shape::map},
    {"when_interrupted", shape::text},
    {"disabled", shape::flag},
    {"streaming", shape::flag},
    {"notes", shape::text},
    {"position", shape::map},
};

constexpr field_rule node_rules[] = {
    {"id", shape::text},
    {"name", shape::text},
    {"type", shape::text},
    {"subtype", shape::text},
    {"type_version", shape::number, preset::one},
    {"parameters", shape::map, preset::empty_map},
    {"disabled", shape::flag, preset::no},
    {"position", shape::map},
    {"description", shape::text},
    {"condition", shape::text},
    {"retry_on_fail", shape::whole},
    {"retry_delay_seconds", shape::number},
    {"continue_on_fail", shape::flag},
    {"timeout_seconds", shape::number},
    {"retry_policy", shape::map},
    {"on_error", shape::text},
    {"fallback", shape::map},
    {"when_interrupted", shape::text},
    {"streaming", shape::flag},
    {"notes", shape::text},
};

constexpr field_rule edge_rules[] = {
    {"source", shape::text, preset::empty_text},
    {"source_port", shape::text},
    {"target", shape::text, preset::empty_text},
    {"target_port", shape::text},
    {"type", shape::text},
    {"index", shape::whole, preset::zero},
    {"is_static", shape::flag},
    {"kind", shape::text},
    {"mapping", shape::map},
};

json::value value_of(preset p) {
  switch (p) {
  case preset::empty_text: return json::value(json::string());
  case preset::empty_list: return json::value(json::array());
  case preset::empty_map: return json::value(json::object());
  case preset::yes: return json::value(true);
  case preset::no: return json::value(false);
  case preset::zero: return json::value(0);
  case preset::one: return json::value(1);
  case preset::five: return json::value(5);
  case preset::none: break;
  }
  return json::value(nullptr);
}

} // namespace

std::span<const field_rule> workflow_fields() noexcept {
  return workflow_rules;
}
std::span<const field_rule> step_fields() noexcept {
  return step_rules;
}
std::span<const field_rule> node_fields() noexcept {
  return node_rules;
}
std::span<const field_rule> edge_fields() noexcept {
  return edge_rules;
}

bool has_shape(const json::value& v, shape kind) noexcept {
  switch (kind) {
  case shape::text: return v.is_string();
  case shape::flag: return v.is_bool();
  case shape::whole: return v.is_int64() || v.is_uint64();
  case shape::number: return v.is_number();
  case shape::list: return v.is_array();
  case shape::map: return v.is_object();
  case shape::texts:
    return v.is_array() && std::all_of(v.get_array().begin(), v.get_array().end(),
                                       [](const json::value& e) { return e.is_string(); });
  case shape::any: break;
  }
  return true;
}

std::string_view to_text(shape kind) noexcept {
  static constexpr std::array<std::string_view, 8> names{
      "a string", "true or false", "a whole number",    "a number",
      "a list",   "an object",     "a list of strings", "any value"};
  return names[static_cast<std::size_t>(kind)];
}

void apply(std::span<const field_rule> rules, json::object& to, std::string_view node,
           const std::string& prefix, faults& found) {
  for (const auto& rule : rules) {
    const json::value* v = to.if_contains(rule.name);
    if (v == nullptr || v->is_null()) {
      if (rule.fallback != preset::none)
        to[rule.name] = value_of(rule.fallback);
    } else if (!has_shape(*v, rule.kind)) {
      found.error(std::string(node), prefix + std::string(rule.name), "wrong_type",
                  std::string(rule.name) + " must be " + std::string(to_text(rule.kind)));
    }
  }
}

json::value text_value(std::string_view text) {
  return json::value(json::string(text));
}

const json::value* member(const json::object& o, std::string_view key) noexcept {
  const json::value* v = o.if_contains(key);
  return v == nullptr || v->is_null() ? nullptr : v;
}

std::string text_at(const json::object& o, std::string_view key) {
  const json::value* v = o.if_contains(key);
  return v != nullptr && v->is_string() ? std::string(std::string_view(v->get_string()))
                                        : std::string();
}

std::string upper(std::string text) {
  for (char& c : text)
    if (c >= 'a' && c <= 'z')
      c = static_cast<char>(c - 'a' + 'A');
  return text;
}

std::optional<double> number_of(const json::value& v) noexcept {
  if (v.is_int64())
    return static_cast<double>(v.get_int64());
  if (v.is_uint64())
    return static_cast<double>(v.get_uint64());
  if (v.is_double())
    return v.get_double();
  return std::nullopt;
}

std::string indexed(std::string_view list, std::size_t i) {
  return std::string(list) + "[" + std::to_string(i) + "]";
}

} // namespace troupe::drafting

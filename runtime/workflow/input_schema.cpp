// input_schema: what a run's input must be.
#include "runtime/base/utf8.hpp"
#include "runtime/workflow/compile.hpp"
#include "runtime/workflow/draft.hpp"
#include "runtime/workflow/shape.hpp"

#include <algorithm>
#include <array>
#include <cmath>

namespace troupe {

namespace {

using namespace drafting;

constexpr int depth_max = 64;

enum class kind { any, text, whole, number, flag, list, map, null };

struct kind_word {
  std::string_view word;
  kind meaning;
};
constexpr std::array<kind_word, 17> kind_words{{
    {"any", kind::any},
    {"string", kind::text},
    {"text", kind::text},
    {"str", kind::text},
    {"integer", kind::whole},
    {"int", kind::whole},
    {"number", kind::number},
    {"float", kind::number},
    {"boolean", kind::flag},
    {"bool", kind::flag},
    {"array", kind::list},
    {"list", kind::list},
    {"object", kind::map},
    {"dict", kind::map},
    {"json", kind::any},
    {"null", kind::null},
    {"map", kind::map},
}};

std::optional<kind> kind_of(std::string_view word) {
  for (const auto& row : kind_words)
    if (row.word == word)
      return row.meaning;
  return std::nullopt;
}

bool fits(const json::value& v, kind k) {
  switch (k) {
  case kind::any: return true;
  case kind::text: return v.is_string();
  case kind::whole:
    return v.is_int64() || v.is_uint64() ||
           (v.is_double() && v.get_double() == std::floor(v.get_double()));
  case kind::number: return v.is_number();
  case kind::flag: return v.is_bool();
  case kind::list: return v.is_array();
  case kind::map: return v.is_object();
  case kind::null: return v.is_null();
  }
  return false;
}

/// The words in `type`: one, or a list of alternatives.
std::vector<std::string> type_words(const json::object& rule) {
  const json::value* type = member(rule, "type");
  std::vector<std::string> out;
  if (type != nullptr && type->is_string())
    out.emplace_back(std::string_view(type->get_string()));
  if (type != nullptr && type->is_array())
    for (const auto& each : type->get_array())
      if (each.is_string())
        out.emplace_back(std::string_view(each.get_string()));
  return out;
}

/// A whole JSON Schema, rather than a map from names to rules.
bool is_json_schema(const json::object& schema) {
  const json::value* properties = member(schema, "properties");
  return text_at(schema, "type") == "object" && properties != nullptr && properties->is_object();
}

bool listed(const json::value* list, std::string_view name) {
  return list != nullptr && list->is_array() &&
         std::any_of(list->get_array().begin(), list->get_array().end(),
                     [name](const json::value& v) {
                       return v.is_string() && std::string_view(v.get_string()) == name;
                     });
}

class input_checker {
public:
  std::vector<node_error> errors;

  void members(json::object& to, const json::object& rules, const json::value* required,
               const std::string& prefix, int depth) {
    for (const auto& entry : rules) {
      const std::string_view name = entry.key();
      const std::string field = prefix + std::string(name);
      const json::object* rule = entry.value().if_object();
      if (rule == nullptr)
        continue;
      if (json::value* v = to.if_contains(name)) {
        check(*v, *rule, field, depth);
        continue;
      }
      const json::value* own = member(*rule, "required");
      if (const json::value* fallback = rule->if_contains("default"))
        to[name] = *fallback;
      else if (listed(required, name) || (own != nullptr && own->is_bool() && own->get_bool()))
        error(field, "missing", field + " is required");
    }
    if (required != nullptr && required->is_array())
      for (const auto& each : required->get_array())
        if (each.is_string() && !to.contains(each.get_string()) &&
            !rules.contains(each.get_string()))
          error(prefix + std::string(std::string_view(each.get_string())), "missing",
                prefix + std::string(std::string_view(each.get_string())) + " is required");
  }

private:
  void error(const std::string& field, const char* code, std::string message) {
    if (errors.size() < faults_max)
      errors.push_back({"", field, code, std::move(message)});
  }

  void check(json::value& v, const json::object& rule, const std::string& field, int depth) {
    if (depth > depth_max)
      return error(field, "too_deep", field + " is nested too deep");
    const auto words = type_words(rule);
    const json::value* nullable = member(rule, "nullable");
    if (v.is_null() && nullable != nullptr && nullable->is_bool() && nullable->get_bool())
      return;
    if (!words.empty() && std::none_of(words.begin(), words.end(), [&v](const std::string& word) {
          return fits(v, kind_of(word).value_or(kind::any));
        }))
      return error(field, "wrong_type", field + " must be " + words.front());
    check_enum(v, rule, field);
    if (const auto n = number_of(v))
      check_range(*n, rule, "minimum", "maximum", field, field);
    if (v.is_string())
      check_range(static_cast<double>(utf8_length(v.get_string())), rule, "minLength", "maxLength",
                  field, "the length of " + field);
    if (v.is_array())
      check_list(v.get_array(), rule, field, depth);
    if (const json::value* properties = member(rule, "properties"))
      if (v.is_object() && properties->is_object())
        members(v.get_object(), properties->get_object(), member(rule, "required"), field + ".",
                depth + 1);
  }

  void check_enum(const json::value& v, const json::object& rule, const std::string& field) {
    const json::value* allowed = member(rule, "enum");
    if (allowed == nullptr || !allowed->is_array())
      return;
    for (const auto& each : allowed->get_array())
      if (v == each)
        return;
    error(field, "bad_value", field + " must be one of " + json::write(*allowed));
  }

  void check_range(double n, const json::object& rule, std::string_view low, std::string_view high,
                   const std::string& field, const std::string& what) {
    const auto bound = [&rule](std::string_view key) {
      const json::value* v = member(rule, key);
      return v == nullptr ? std::nullopt : number_of(*v);
    };
    if (const auto least = bound(low); least && n < *least)
      error(field, "out_of_range", what + " must be at least " + json::write(rule.at(low)));
    if (const auto most = bound(high); most && n > *most)
      error(field, "out_of_range", what + " must be at most " + json::write(rule.at(high)));
  }

  void check_list(json::array& list, const json::object& rule, const std::string& field,
                  int depth) {
    check_range(static_cast<double>(list.size()), rule, "minItems", "maxItems", field,
                "the length of " + field);
    const json::value* items = member(rule, "items");
    if (items == nullptr)
      return;
    const json::object* inner = items->if_object();
    const json::object by_word =
        items->is_string() ? json::object{{"type", *items}} : json::object();
    for (std::size_t i = 0; i < list.size(); ++i)
      check(list[i], inner != nullptr ? *inner : by_word, indexed(field, i), depth + 1);
  }
};

} // namespace

result<json::value> apply_input_schema(const json::object& schema, const json::value& input) {
  json::value out = input.is_null() ? json::value(json::object()) : input;
  if (!out.is_object()) {
    if (schema.empty())
      return out;
    failure why = invalid("input_invalid", "the input must be an object");
    why.node_errors.push_back({"", "", "wrong_type", why.message});
    return why;
  }
  input_checker checker;
  if (is_json_schema(schema))
    checker.members(out.get_object(), schema.at("properties").as_object(),
                    member(schema, "required"), "", 0);
  else
    checker.members(out.get_object(), schema, nullptr, "", 0);
  if (checker.errors.empty())
    return out;
  failure why = invalid("input_invalid", checker.errors.front().message);
  why.node_errors = std::move(checker.errors);
  return why;
}

namespace drafting {

namespace {

void check_rule(const json::value& given, const std::string& field, faults& found, int depth) {
  const json::object* rule = given.if_object();
  const auto wrong = [&](const std::string& at, const std::string& message) {
    found.error("", field + at, "bad_input_schema", message);
  };
  if (rule == nullptr || depth > depth_max)
    return wrong("", rule == nullptr ? "a rule must be an object" : "nested too deep");
  const json::value* type = member(*rule, "type");
  if (type != nullptr && !type->is_string() && !has_shape(*type, shape::texts))
    wrong(".type", "type must be a string");
  for (const auto& word : type_words(*rule))
    if (!kind_of(word))
      wrong(".type", "unknown type \"" + word + "\"");
  if (const json::value* v = member(*rule, "enum"); v != nullptr && !v->is_array())
    wrong(".enum", "enum must be a list");
  for (const std::string key :
       {"minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems"})
    if (const json::value* v = member(*rule, key); v != nullptr && !v->is_number())
      wrong("." + key, key + " must be a number");
  if (const json::value* v = member(*rule, "required");
      v != nullptr && !v->is_bool() && !has_shape(*v, shape::texts))
    wrong(".required", "required must be true, false or a list of names");
  if (const json::value* v = member(*rule, "items"); v != nullptr && v->is_string()) {
    if (!kind_of(std::string_view(v->get_string())))
      wrong(".items", "unknown type");
  } else if (v != nullptr) {
    check_rule(*v, field + ".items", found, depth + 1);
  }
  if (const json::value* v = member(*rule, "properties"); v != nullptr && !v->is_object())
    wrong(".properties", "properties must be an object");
  else if (v != nullptr)
    for (const auto& entry : v->get_object())
      check_rule(entry.value(), field + "." + std::string(entry.key()), found, depth + 1);
}

} // namespace

void check_input_schema(const json::object& schema, faults& found) {
  if (is_json_schema(schema))
    return check_rule(schema, "input_schema", found, 0);
  for (const auto& entry : schema)
    check_rule(entry.value(), "input_schema." + std::string(entry.key()), found, 0);
}

} // namespace drafting

} // namespace troupe

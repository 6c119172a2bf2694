// A node's parameters against its row of the catalogue.
#include "runtime/workflow/draft.hpp"

#include "runtime/workflow/shape.hpp"

#include <algorithm>

namespace troupe::drafting {

namespace {

bool has_template(const json::value& v) {
  return v.is_string() && v.get_string().find("{{") != json::string::npos;
}

bool is_url(std::string_view text) {
  const auto lower = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
  std::string scheme;
  for (const char c : text.substr(0, 8))
    scheme.push_back(lower(c));
  const std::size_t skip = scheme.starts_with("https://")  ? 8
                           : scheme.starts_with("http://") ? 7
                                                           : 0;
  return skip != 0 && text.size() > skip && text.find_first_of(" \t\r\n") == std::string_view::npos;
}

bool is_email(std::string_view text) {
  const auto at = text.find('@');
  return at != std::string_view::npos && at > 0 && at + 1 < text.size() &&
         text.find_first_of(" \t\r\n") == std::string_view::npos;
}

/// Five or six fields; runtime/schedule reads them when the schedule is made.
bool is_cron(std::string_view text) {
  int fields = 0;
  bool inside = false;
  for (const char c : text) {
    const bool blank = c == ' ' || c == '\t';
    fields += !blank && !inside;
    inside = !blank;
  }
  return fields == 5 || fields == 6;
}

bool whole(const json::value& v) {
  return v.is_int64() || v.is_uint64();
}

/// Empty when the value fits; else what is wanted.
std::string_view mismatch(parameter_type type, const json::value& v) {
  const std::string_view text =
      v.is_string() ? std::string_view(v.get_string()) : std::string_view();
  switch (type) {
  case parameter_type::string: return v.is_string() ? "" : "a string";
  case parameter_type::enumeration: return v.is_string() ? "" : "a string";
  case parameter_type::integer: return whole(v) ? "" : "a whole number";
  case parameter_type::number: return v.is_number() ? "" : "a number";
  case parameter_type::boolean: return v.is_bool() ? "" : "true or false";
  case parameter_type::object: return v.is_object() ? "" : "an object";
  case parameter_type::list: return v.is_array() ? "" : "a list";
  case parameter_type::url: return is_url(text) ? "" : "an http or https URL";
  case parameter_type::email: return is_email(text) ? "" : "an e-mail address";
  case parameter_type::cron: return is_cron(text) ? "" : "a cron expression of 5 or 6 fields";
  case parameter_type::expression:
    return v.is_string() || v.is_bool() || v.is_number() ? "" : "an expression";
  case parameter_type::any: break;
  }
  return "";
}

std::string listed(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : ", ") + word;
  return out;
}

void check_value(const draft_node& n, const parameter_spec& p, const json::value& v,
                 faults& found) {
  const std::string field = "parameters." + p.name;
  if (has_template(v) && (p.templated || p.type == parameter_type::expression))
    return;
  if (has_template(v) && p.type != parameter_type::any) {
    found.error(n.id, field, "not_templated", p.name + " must be written out, without {{ }}");
    return;
  }
  if (const std::string_view wanted = mismatch(p.type, v); !wanted.empty()) {
    found.error(n.id, field, "wrong_type", p.name + " must be " + std::string(wanted));
    return;
  }
  if (p.required && v.is_string() && v.get_string().empty() && p.type != parameter_type::any) {
    found.error(n.id, field, "missing_parameter", p.name + " must not be empty");
    return;
  }
  if (!p.values.empty() && v.is_string() &&
      std::find(p.values.begin(), p.values.end(), std::string_view(v.get_string())) ==
          p.values.end())
    found.error(n.id, field, "bad_value", p.name + " must be one of " + listed(p.values));
  const auto number = number_of(v);
  if (number && ((p.minimum && *number < *p.minimum) || (p.maximum && *number > *p.maximum))) {
    std::string range;
    if (p.minimum)
      json::write_number(range, *p.minimum);
    range += p.maximum ? " to " : " or more";
    if (p.maximum)
      json::write_number(range, *p.maximum);
    found.error(n.id, field, "out_of_range", p.name + " must be " + range);
  }
}

} // namespace

void fill_parameters(draft_node& n, faults& found) {
  if (n.spec == nullptr || n.direct || n.spec->parameters.empty())
    return;
  for (const auto& entry : n.parameters) {
    const std::string_view key = entry.key();
    const auto& known = n.spec->parameters;
    if (std::none_of(known.begin(), known.end(),
                     [key](const parameter_spec& p) { return p.name == key; }))
      found.warn(n.id, "parameters." + std::string(key), "unknown_parameter",
                 n.spec->type + "/" + n.spec->subtype + " does not read " + std::string(key));
  }
  for (const auto& p : n.spec->parameters) {
    if (const json::value* v = member(n.parameters, p.name))
      check_value(n, p, *v, found);
    else if (p.required)
      found.error(n.id, "parameters." + p.name, "missing_parameter",
                  p.name + " must be given: " + p.description);
    else if (p.fallback)
      n.parameters[p.name] = *p.fallback;
  }
}

} // namespace troupe::drafting

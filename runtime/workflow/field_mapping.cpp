#include "runtime/workflow/field_mapping.hpp"

#include "runtime/expr/expression.hpp"
#include "runtime/expr/pattern.hpp"
#include "runtime/workflow/shape.hpp"

#include <algorithm>
#include <vector>

namespace troupe::drafting {

namespace {

failure wrong(std::string message) {
  return invalid("mapping_invalid", std::move(message));
}

/// The first of several spellings that is there.
const json::value* any_of(const json::object& o, std::initializer_list<std::string_view> keys) {
  for (const auto key : keys)
    if (const json::value* v = o.if_contains(key))
      return v;
  return nullptr;
}

std::string any_text(const json::object& o, std::initializer_list<std::string_view> keys) {
  const json::value* v = any_of(o, keys);
  return v != nullptr && v->is_string() ? std::string(std::string_view(v->get_string()))
                                        : std::string();
}

bool quotable(std::string_view key) {
  return std::none_of(key.begin(), key.end(),
                      [](char c) {
                        return c == '"' || c == '\\' || static_cast<unsigned char>(c) < 0x20;
                      }) &&
         key.find("}}") == std::string_view::npos;
}

/// One `{{ }}`, or plain JSON, as an expression.
std::string operand(const json::value& v) {
  if (v.is_string()) {
    const std::string_view text = v.get_string();
    const auto from = text.find_first_not_of(' ');
    const auto to = text.find_last_not_of(' ');
    if (from != std::string_view::npos && to - from >= 4 && text.substr(from, 2) == "{{" &&
        text.substr(to - 1, 2) == "}}")
      return "(" + std::string(text.substr(from + 2, to - from - 3)) + ")";
  }
  return json::write(v);
}

bool name_character(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

/// The condition with the lone name `value` meaning the source, outside of quotes and paths.
std::string with_value(const std::string& condition, const std::string& source) {
  std::string out;
  char quote = 0;
  for (std::size_t i = 0; i < condition.size();) {
    const char c = condition[i];
    if (quote != 0 || !name_character(c)) {
      if (quote == 0 && (c == '"' || c == '\''))
        quote = c;
      else if (quote == c)
        quote = 0;
      const std::size_t many = quote != 0 && c == '\\' && i + 1 < condition.size() ? 2 : 1;
      out += condition.substr(i, many);
      i += many;
      continue;
    }
    std::size_t end = i;
    while (end < condition.size() && name_character(condition[end]))
      ++end;
    const std::string word = condition.substr(i, end - i);
    const bool alone = out.empty() || (out.back() != '.' && out.back() != '$');
    out += word == "value" && alone ? source : word;
    i = end;
  }
  return out;
}

/// `{value}` or `{}` is the source, any other `{path}` a path in the whole value.
result<std::string> format_text(const std::string& format, const std::string& source) {
  if (format.find("{{") != std::string::npos)
    return format;
  std::string out;
  for (std::size_t i = 0; i < format.size();) {
    const auto open = format.find('{', i);
    const auto close = open == std::string::npos ? open : format.find('}', open);
    if (close == std::string::npos) {
      out += format.substr(i);
      break;
    }
    out += format.substr(i, open - i);
    const std::string inside = format.substr(open + 1, close - open - 1);
    if (inside.empty() || inside == "value") {
      out += "{{ " + source + " }}";
    } else {
      const auto path = path_expression(inside);
      if (!path)
        return path.error();
      out += "{{ " + *path + " }}";
    }
    i = close + 1;
  }
  return out;
}

result<std::string> call(const std::string& source, const json::object& transform) {
  const std::string name = any_text(transform, {"name", "function", "transform_value"});
  if (name.empty())
    return wrong("FUNCTION needs a name");
  std::string arguments;
  if (const json::value* given = any_of(transform, {"args", "arguments"})) {
    if (!given->is_array())
      return wrong("args must be a list");
    for (const auto& each : given->get_array())
      arguments += ", " + operand(each);
  }
  const std::string as_function = name + "(" + source + arguments + ")";
  if (expr::parse(as_function))
    return "{{ " + as_function + " }}";
  const std::string as_filter =
      source + " | " + name + (arguments.empty() ? "" : "(" + arguments.substr(2) + ")");
  if (expr::parse(as_filter))
    return "{{ " + as_filter + " }}";
  return wrong("there is no function \"" + name + "\" with these arguments");
}

result<std::string> choose(const std::string& source, const json::object& transform) {
  const std::string condition = any_text(transform, {"condition", "transform_value"});
  if (condition.empty())
    return wrong("CONDITION needs a condition");
  const json::value* yes = any_of(transform, {"then", "true_value"});
  const json::value* no = any_of(transform, {"else", "false_value"});
  const std::string test = condition.find("{{") == std::string::npos
                               ? "(" + condition + ")"
                               : operand(text_value(condition));
  return "{{ " + (yes ? operand(*yes) : source) + " if " + with_value(test, source) + " else " +
         (no ? operand(*no) : std::string("null")) + " }}";
}

/// Takes the place of what is missing, in an expression.
std::string with_default(std::string source, const json::object& field) {
  const json::value* fallback = any_of(field, {"default", "default_value"});
  return fallback ? "(" + source + " | default(" + operand(*fallback) + "))" : source;
}

/// Here the default is for a text without a match, too.
result<std::string> match(const std::string& source, const json::object& transform,
                          const json::object& field) {
  const std::string pattern = any_text(transform, {"pattern", "regex", "transform_value"});
  if (pattern.empty())
    return wrong("REGEX needs a pattern");
  if (auto fine = expr::compile_pattern(pattern); !fine)
    return std::move(fine).error();
  const std::string found = "regex(" + source + ", " + json::write(text_value(pattern)) + ")";
  return "{{ " + with_default(found, field) + " }}";
}

/// The template of one field: what its transform makes of its source.
result<std::string> leaf(const json::object& field, std::string source) {
  const json::value* given = any_of(field, {"transform", "transformation"});
  json::object transform;
  if (given != nullptr && given->is_object())
    transform = given->get_object();
  else if (given != nullptr && given->is_string())
    transform = json::object{{"type", *given}};
  else if (given != nullptr && !given->is_null())
    return wrong("transform must be an object {type, …}");
  const std::string type = upper(text_at(transform, "type"));
  if (type == "JSON_PATH") {
    auto inner = path_expression(any_text(transform, {"path", "transform_value"}), source);
    if (!inner)
      return inner;
    source = std::move(*inner);
  }
  if (type == "REGEX")
    return match(source, transform, field);
  source = with_default(std::move(source), field);
  if (type.empty() || type == "NONE" || type == "JSON_PATH")
    return "{{ " + source + " }}";
  if (type == "STRING_FORMAT")
    return format_text(any_text(transform, {"format", "transform_value"}), source);
  if (type == "FUNCTION")
    return call(source, transform);
  if (type == "CONDITION")
    return choose(source, transform);
  return wrong("transform type must be NONE, STRING_FORMAT, JSON_PATH, REGEX, FUNCTION or "
               "CONDITION");
}

/// Puts a value where "a.b" says, making the objects on the way.
result<void> put(json::object& to, std::string_view target, json::value v) {
  const auto dot = target.find('.');
  const std::string_view head = target.substr(0, dot);
  if (head.empty())
    return wrong("a target must name a member");
  if (dot == std::string_view::npos) {
    to[head] = std::move(v);
    return {};
  }
  json::value& inner = to[head];
  if (!inner.is_object())
    inner = json::object();
  return put(inner.get_object(), target.substr(dot + 1), std::move(v));
}

result<void> add_field(json::object& to, const json::object& field) {
  const std::string target = any_text(field, {"target", "target_field", "to"});
  if (std::count(target.begin(), target.end(), '.') > 16)
    return wrong("a target has at most 16 dots");
  auto source = path_expression(any_text(field, {"source", "source_field", "from"}));
  if (!source)
    return source.error();
  auto made = leaf(field, std::move(*source));
  if (!made) {
    auto why = std::move(made).error();
    why.message = "field \"" + target + "\": " + why.message;
    return why;
  }
  return put(to, target, text_value(*made));
}

} // namespace

result<std::string> path_expression(std::string_view path, std::string from) {
  if (path.starts_with("$json"))
    path.remove_prefix(5);
  else if (path.starts_with("$"))
    path.remove_prefix(1);
  std::string out = std::move(from);
  while (!path.empty()) {
    if (path.front() == '[') {
      const auto close = path.find(']');
      if (close == std::string_view::npos)
        return wrong("a path has [ without ]");
      std::string_view key = path.substr(1, close - 1);
      path.remove_prefix(close + 1);
      const bool quoted = key.size() >= 2 && (key.front() == '\'' || key.front() == '"') &&
                          key.back() == key.front();
      if (quoted)
        key = key.substr(1, key.size() - 2);
      const std::string_view digits = key.starts_with('-') ? key.substr(1) : key;
      const bool number = !digits.empty() && digits.size() < 10 &&
                          digits.find_first_not_of("0123456789") == std::string_view::npos;
      if (quoted ? !quotable(key) : !number)
        return wrong("a path has names, ['names'] and [numbers]; no wildcards or filters");
      out += quoted ? "[\"" + std::string(key) + "\"]" : "[" + std::string(key) + "]";
      continue;
    }
    if (path.front() == '.')
      path.remove_prefix(1);
    const auto end = std::min(path.find_first_of(".["), path.size());
    const std::string_view name = path.substr(0, end);
    if (name.empty() || name == "*" || !quotable(name))
      return wrong("a path has names, ['names'] and [numbers]; no wildcards or filters");
    out += "[\"" + std::string(name) + "\"]";
    path.remove_prefix(end);
  }
  return out;
}

result<json::value> field_mapping(const json::object& mapping) {
  json::object out;
  if (const json::value* fixed = any_of(mapping, {"static", "static_values"})) {
    if (!fixed->is_object())
      return wrong("static must be an object");
    out = fixed->get_object();
  }
  const json::value* fields = any_of(mapping, {"fields", "field_mappings", "mappings"});
  if (fields == nullptr || !(fields->is_array() || fields->is_object()))
    return wrong("FIELD_MAPPING needs fields: a list of {source, target, transform}");
  result<void> added;
  if (fields->is_array()) {
    for (const auto& each : fields->get_array()) {
      if (!each.is_object())
        return wrong("a field must be an object {source, target, transform}");
      if (added = add_field(out, each.get_object()); !added)
        return added.error();
    }
    return json::value(std::move(out));
  }
  for (const auto& entry : fields->get_object()) {
    json::object field = entry.value().is_object() ? entry.value().get_object()
                                                   : json::object{{"source", entry.value()}};
    field["target"] = json::string(entry.key());
    if (added = add_field(out, field); !added)
      return added.error();
  }
  return json::value(std::move(out));
}

} // namespace troupe::drafting

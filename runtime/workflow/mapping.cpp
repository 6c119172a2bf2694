#include "runtime/workflow/mapping.hpp"

#include "runtime/workflow/field_mapping.hpp"
#include "runtime/workflow/shape.hpp"

namespace troupe {

namespace {

using namespace drafting;

result<std::optional<expr::json_template>> as_template(const json::value& source) {
  auto made = expr::compile(source);
  if (!made)
    return std::move(made).error();
  return std::optional(std::move(*made));
}

result<std::optional<expr::json_template>> transform(const json::object& mapping) {
  for (const std::string_view key : {"expression", "transform", "transform_script", "script"}) {
    const std::string text = text_at(mapping, key);
    if (text.empty())
      continue;
    auto parsed = expr::parse(text); // the text must be one expression, not a template
    if (!parsed)
      return std::move(parsed).error();
    return as_template(text.find("{{") == std::string::npos ? text_value("{{ " + text + " }}")
                                                            : text_value(text));
  }
  return invalid("mapping_invalid", "TRANSFORM needs an expression");
}

} // namespace

result<std::optional<expr::json_template>> compile_mapping(const json::object& mapping) {
  const std::string type = upper(text_at(mapping, "type"));
  if (type.empty() || type == "DIRECT")
    return std::optional<expr::json_template>();
  if (type == "TEMPLATE") {
    const json::value* source = mapping.if_contains("template");
    if (source == nullptr)
      return invalid("mapping_invalid", "TEMPLATE needs a template");
    return as_template(*source);
  }
  if (type == "TRANSFORM")
    return transform(mapping);
  if (type != "FIELD_MAPPING")
    return invalid("mapping_invalid", "type must be DIRECT, FIELD_MAPPING, TEMPLATE or TRANSFORM");
  auto source = field_mapping(mapping);
  if (!source)
    return std::move(source).error();
  return as_template(*source);
}

result<json::value> apply_mapping(const json::object& mapping, const json::value& v) {
  auto made = compile_mapping(mapping);
  if (!made)
    return std::move(made).error();
  if (!*made)
    return v;
  json::object roots;
  if (v.is_object())
    roots = v.get_object();
  roots["$json"] = v;
  expr::budget spend;
  return expr::render(**made, expr::object_names(roots), spend);
}

} // namespace troupe

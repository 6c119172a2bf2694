#include "net/rest/json_schema.hpp"

#define VALIJSON_USE_EXCEPTIONS 1
#if defined(__GNUC__)
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wshadow"
#pragma GCC diagnostic ignored "-Wconversion"
#pragma GCC diagnostic ignored "-Wsign-conversion"
#pragma GCC diagnostic ignored "-Wunused-parameter"
#endif
#include <valijson/adapters/boost_json_adapter.hpp>
#include <valijson/schema.hpp>
#include <valijson/schema_parser.hpp>
#include <valijson/validation_results.hpp>
#include <valijson/validator.hpp>
#if defined(__GNUC__)
#pragma GCC diagnostic pop
#endif

#include <exception>
#include <string>

namespace troupe::rest {

namespace {

constexpr std::size_t complaints_max = 50;

/// A reference may lead back to itself: following it would not end.
bool has_reference(const json::value& v) {
  if (const auto* list = v.if_array()) {
    for (const auto& item : *list)
      if (has_reference(item))
        return true;
  } else if (const auto* object = v.if_object()) {
    for (const auto& [key, member] : *object)
      if (key == "$ref" || has_reference(member))
        return true;
  }
  return false;
}

/// `properties` names what people fill in, so its keys are no keywords.
json::value without_patterns(const json::value& v, bool names = false) {
  if (const auto* list = v.if_array()) {
    json::array out;
    for (const auto& item : *list)
      out.push_back(without_patterns(item));
    return out;
  }
  const auto* object = v.if_object();
  if (object == nullptr)
    return v;
  json::object out;
  for (const auto& [key, member] : *object) {
    if (!names && (key == "pattern" || key == "patternProperties"))
      continue;
    const bool literal = !names && (key == "enum" || key == "const" || key == "default");
    out[key] = literal ? member : without_patterns(member, !names && key == "properties");
  }
  return out;
}

std::string path_of(const valijson::ValidationResults::Error& e) {
  std::string out;
  for (std::size_t i = 1; i < e.context.size(); ++i) { // the first is "<root>"
    auto part = e.context[i];
    if (part.size() >= 2 && part.front() == '[' && part.back() == ']')
      part = part.substr(1, part.size() - 2);
    out += (out.empty() ? "" : ".") + part;
  }
  return out;
}

} // namespace

std::vector<node_error> schema_complaints(const json::value& schema, const json::value& data) {
  std::vector<node_error> out;
  if (!schema.is_object() || has_reference(schema))
    return out;
  try {
    const json::value checked = without_patterns(schema);
    valijson::Schema parsed;
    valijson::SchemaParser().populateSchema(valijson::adapters::BoostJsonAdapter(checked), parsed);
    valijson::Validator validator(valijson::Validator::kStrongTypes);
    valijson::ValidationResults results;
    if (validator.validate(parsed, valijson::adapters::BoostJsonAdapter(data), &results))
      return out;
    valijson::ValidationResults::Error error;
    while (out.size() < complaints_max && results.popError(error))
      out.push_back({"", path_of(error), "schema_mismatch", error.description});
    if (out.empty())
      out.push_back({"", "", "schema_mismatch", "The data is not what the schema wants."});
  } catch (const std::exception&) {
    return {}; // the schema is none
  }
  return out;
}

} // namespace troupe::rest

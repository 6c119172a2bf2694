#include "net/rest/openapi.hpp"

#include "net/rest/problem.hpp"
#include "runtime/base/invariant.hpp"

#include <charconv>
#include <vector>

namespace troupe::rest {

namespace {

std::vector<std::string_view> words(std::string_view text) {
  std::vector<std::string_view> out;
  while (!text.empty()) {
    const auto space = text.find(' ');
    if (space != 0)
      out.push_back(text.substr(0, space));
    text = space == std::string_view::npos ? std::string_view{} : text.substr(space + 1);
  }
  return out;
}

json::string copy(std::string_view text) {
  return json::string(text);
}

json::object ref(std::string_view name) {
  check(schemas().contains(name), "a route names a schema that does not exist");
  return {{"$ref", copy("#/components/schemas/" + std::string(name))}};
}

json::object schema_of(std::string_view name) {
  if (name.empty())
    return {{"type", "object"}};
  if (name.front() != '[')
    return ref(name);
  json::object items{{"type", "array"}, {"items", ref(name.substr(1, name.size() - 2))}};
  json::object extra{{"type", "object"}, {"properties", json::object{{"items", std::move(items)}}}};
  return {{"allOf", json::array{ref("list"), std::move(extra)}}};
}

std::string_view media_type(std::string_view answer) {
  if (answer == "event_stream")
    return "text/event-stream";
  if (answer == "metrics_text")
    return "text/plain";
  return answer == "page" ? "text/html" : "application/json";
}

json::object query_parameter(std::string_view name) {
  json::object schema{{"type", "string"}};
  if (name == "limit")
    schema = {{"type", "integer"}, {"minimum", 1}, {"maximum", 500}, {"default", 50}};
  else if (name == "wait")
    schema = {{"type", "number"}, {"minimum", 0}, {"maximum", 300}};
  else if (name == "since" || name == "version")
    schema = {{"type", "integer"}, {"minimum", 0}};
  else if (name == "draft" || name.ends_with("_only"))
    schema = {{"type", "boolean"}};
  else if (name.starts_with("created_"))
    schema = {{"type", "string"}, {"format", "date-time"}};
  return {
      {"name", copy(name)}, {"in", "query"}, {"required", false}, {"schema", std::move(schema)}};
}

json::array parameters_of(const route& row) {
  json::array out;
  for (auto at = row.pattern.find('{'); at != std::string_view::npos;
       at = row.pattern.find('{', at + 1)) {
    const auto name = row.pattern.substr(at + 1, row.pattern.find('}', at) - at - 1);
    out.push_back(json::object{{"name", copy(name)},
                               {"in", "path"},
                               {"required", true},
                               {"schema", json::object{{"type", "string"}}}});
  }
  for (const auto name : words(row.parameters))
    out.push_back(query_parameter(name));
  return out;
}

json::object body_of(const route& row) {
  json::object content{{"application/json", json::object{{"schema", schema_of(row.request)}}}};
  if (row.body == body_kind::definition)
    content["application/yaml"] = json::object{{"schema", schema_of(row.request)}};
  return {{"required", row.body != body_kind::optional}, {"content", std::move(content)}};
}

json::object refusal(unsigned status) {
  return {{"description", copy(title_of(status))},
          {"content",
           json::object{{"application/problem+json", json::object{{"schema", ref("problem")}}}}}};
}

json::object answers_of(const route& row) {
  json::object success{{"description", "Success"}};
  if (row.success == 101)
    success["description"] = "The connection becomes a WebSocket";
  else if (row.success != 204)
    success["content"] =
        json::object{{media_type(row.answer), json::object{{"schema", schema_of(row.answer)}}}};
  json::object out{{std::to_string(row.success), std::move(success)}};
  for (const auto word : words(row.refusals)) {
    unsigned status = 0;
    std::from_chars(word.data(), word.data() + word.size(), status);
    out[word] = refusal(status);
  }
  if (row.who == access::key)
    out["401"] = refusal(401);
  if (row.body != body_kind::none)
    out["400"] = refusal(400);
  return out;
}

json::object operation(const route& row, std::size_t index) {
  json::object out{{"operationId", copy(operation_id(index))},
                   {"tags", json::array{copy(row.tag)}},
                   {"summary", copy(row.summary)},
                   {"parameters", parameters_of(row)},
                   {"responses", answers_of(row)}};
  if (row.body != body_kind::none)
    out["requestBody"] = body_of(row);
  if (row.who == access::open)
    out["security"] = json::array{};
  return out;
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    c = static_cast<char>(c | 0x20);
  return out;
}

} // namespace

json::object openapi(std::span<const route> table, std::string_view version) {
  json::object paths;
  for (std::size_t i = 0; i < table.size(); ++i) {
    auto& path = paths[table[i].pattern];
    if (!path.is_object())
      path = json::object{};
    path.get_object()[lower(to_text(table[i].verb))] = operation(table[i], i);
  }
  json::object bearer{{"type", "http"}, {"scheme", "bearer"}};
  json::object components{{"schemas", schemas()},
                          {"securitySchemes", json::object{{"bearer", std::move(bearer)}}}};
  return {{"openapi", "3.1.0"},
          {"info", json::object{{"title", "Troupe"},
                                {"version", copy(version)},
                                {"description", "Durable workflows over HTTP."}}},
          {"security", json::array{json::object{{"bearer", json::array{}}}}},
          {"paths", std::move(paths)},
          {"components", std::move(components)}};
}

} // namespace troupe::rest

#include "net/provider/otlp.hpp"

#include "runtime/base/json.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::otlp {

namespace {

constexpr std::string_view traces_path = "/v1/traces";
constexpr int status_error = 2;

failure wrong(std::string why) {
  return invalid("endpoint_invalid", std::move(why));
}

std::string nanoseconds(instant at) {
  const auto ms = std::max<std::int64_t>(to_millis(at), 0);
  return ms == 0 ? "0" : std::to_string(ms) + "000000";
}

json::object attribute(std::string_view key, json::object value) {
  json::object out;
  out["key"] = json::string(key);
  out["value"] = std::move(value);
  return out;
}

json::object text_value(std::string_view text) {
  json::object out;
  out["stringValue"] = json::string(text);
  return out;
}

/// 64-bit numbers are texts in the JSON of protocol buffers.
json::object number_value(std::int64_t number) {
  json::object out;
  out["intValue"] = json::string(std::to_string(number));
  return out;
}

json::object span_object(const trace_span& from) {
  json::object out;
  out["traceId"] = json::string(from.trace_id);
  out["spanId"] = json::string(span_text(from.id));
  if (from.parent != 0)
    out["parentSpanId"] = json::string(span_text(from.parent));
  out["name"] = json::string(from.name);
  out["kind"] = static_cast<int>(from.kind);
  out["startTimeUnixNano"] = json::string(nanoseconds(from.start));
  out["endTimeUnixNano"] = json::string(nanoseconds(std::max(from.start, from.end)));
  json::array attributes;
  for (const auto& [key, value] : from.attributes) {
    const auto* text = std::get_if<std::string>(&value);
    attributes.push_back(
        attribute(key, text ? text_value(*text) : number_value(std::get<std::int64_t>(value))));
  }
  if (!from.error.empty())
    attributes.push_back(attribute("error.type", text_value(from.error)));
  out["attributes"] = std::move(attributes);
  json::object status;
  if (from.failed)
    status["code"] = status_error;
  if (from.failed && !from.error.empty())
    status["message"] = json::string(from.error);
  out["status"] = std::move(status);
  return out;
}

} // namespace

result<collector> collector_of(std::string_view endpoint) {
  const bool tls = endpoint.starts_with("https://");
  if (!tls && !endpoint.starts_with("http://"))
    return wrong("must begin with http:// or https://");
  const bool plain = std::ranges::all_of(endpoint, [](char c) { return c > 0x20 && c < 0x7f; });
  if (!plain || endpoint.find_first_of("?#@") != std::string_view::npos)
    return wrong("must be a URL without blanks, user name, query and fragment");
  const auto host_from = endpoint.find("//") + 2;
  auto base = endpoint;
  while (base.size() > host_from && base.ends_with('/'))
    base.remove_suffix(1);
  const auto authority = base.substr(host_from, base.find('/', host_from) - host_from);
  const auto colon = authority.rfind(':');
  const bool has_port =
      colon != std::string_view::npos && authority.find(']', colon) == std::string_view::npos;
  const auto host = has_port ? authority.substr(0, colon) : authority;
  if (host.empty())
    return wrong("must name a host");
  std::uint16_t port = tls ? 443 : 80;
  if (has_port) {
    const auto text = authority.substr(colon + 1);
    const auto read = std::from_chars(text.data(), text.data() + text.size(), port);
    if (read.ec != std::errc{} || read.ptr != text.data() + text.size() || port == 0)
      return wrong("must have a port from 1 to 65535");
  }
  collector out{std::string(base), std::string(host) + ":" + std::to_string(port)};
  if (!base.substr(host_from).ends_with(traces_path))
    out.url += traces_path;
  return out;
}

std::string encode(std::span<const trace_span> spans, std::string_view version) {
  json::array all;
  all.reserve(spans.size());
  for (const auto& each : spans)
    all.push_back(span_object(each));
  json::object scope;
  scope["name"] = "troupe";
  scope["version"] = json::string(version);
  json::object in_scope;
  in_scope["scope"] = std::move(scope);
  in_scope["spans"] = std::move(all);
  json::object resource;
  resource["attributes"] = json::array{attribute("service.name", text_value("troupe")),
                                       attribute("service.version", text_value(version))};
  json::object one;
  one["resource"] = std::move(resource);
  one["scopeSpans"] = json::array{json::value(std::move(in_scope))};
  json::object out;
  out["resourceSpans"] = json::array{json::value(std::move(one))};
  return json::write(json::value(std::move(out)));
}

bool taken(const result<http::incoming_response>& answer) noexcept {
  return answer && answer->status >= 200 && answer->status < 300;
}

bool worth_a_retry(const result<http::incoming_response>& answer) noexcept {
  if (!answer)
    return answer.error().kind != failure_kind::invalid;
  return answer->status == 429 || (answer->status >= 502 && answer->status <= 504);
}

} // namespace troupe::otlp

#include "actors/skills/http_request.hpp"

#include "runtime/base/encoding.hpp"
#include "runtime/base/utf8.hpp"
#include "runtime/engine/span.hpp"
#include "runtime/policy/retry_policy.hpp"

#include <algorithm>
#include <array>
#include <charconv>

namespace troupe {

namespace {

std::string text_of(const json::value& v) {
  if (v.is_string())
    return std::string(v.get_string());
  return v.is_null() ? std::string() : json::write(v);
}

std::string member_text(const json::value& from, std::string_view key) {
  const auto* at = json::find(from, key);
  return at ? text_of(*at) : std::string();
}

double number_or(const json::value& from, std::string_view key, double otherwise) {
  const auto* at = json::find(from, key);
  if (!at)
    return otherwise;
  if (at->is_double())
    return at->get_double();
  if (at->is_int64())
    return static_cast<double>(at->get_int64());
  return at->is_uint64() ? static_cast<double>(at->get_uint64()) : otherwise;
}

bool flag_or(const json::value& from, std::string_view key, bool otherwise) {
  const auto* at = json::find(from, key);
  return at && at->is_bool() ? at->get_bool() : otherwise;
}

bool same_name(std::string_view a, std::string_view b) {
  return std::ranges::equal(a, b, [](char x, char y) {
    const auto low = [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; };
    return low(x) == low(y);
  });
}

bool has_header(const http::outgoing_request& to, std::string_view name) {
  return std::ranges::any_of(to.headers, [&](const auto& h) { return same_name(h.first, name); });
}

/// Control characters in a header would end it and begin another.
bool is_header_safe(std::string_view text) {
  return std::ranges::none_of(
      text, [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; });
}

std::string host_of(std::string_view url) {
  auto from = url.find("://");
  from = from == std::string_view::npos ? 0 : from + 3;
  auto host = url.substr(from, url.find_first_of("/?#", from) - from);
  if (const auto user = host.rfind('@'); user != std::string_view::npos)
    host.remove_prefix(user + 1);
  return std::string(host);
}

void add_query(std::string& url, const json::value& parameters) {
  const auto* query = json::find(parameters, "query");
  if (!query || !query->is_object() || query->get_object().empty())
    return;
  std::string tail;
  if (const auto hash = url.find('#'); hash != std::string::npos) {
    tail = url.substr(hash);
    url.resize(hash);
  }
  char separator = url.find('?') == std::string::npos ? '?' : '&';
  const auto add = [&](std::string_view key, const json::value& v) {
    url += separator + percent_encode(key) + '=' + percent_encode(text_of(v));
    separator = '&';
  };
  for (const auto& [key, v] : query->get_object()) {
    if (v.is_array())
      for (const auto& each : v.get_array())
        add(key, each);
    else if (!v.is_null())
      add(key, v);
  }
  url += tail;
}

result<void> add_auth(http_step& step, const json::value& parameters) {
  const auto* auth = json::find(parameters, "auth");
  if (!auth || auth->is_null())
    return {};
  const auto type = json::text_or(*auth, "type", "none");
  auto& headers = step.request.headers;
  if (type == "none")
    return {};
  if (type == "bearer") {
    headers.emplace_back("Authorization", "Bearer " + member_text(*auth, "token"));
    return {};
  }
  if (type == "basic") {
    const auto pair = member_text(*auth, "username") + ":" + member_text(*auth, "password");
    headers.emplace_back("Authorization", "Basic " + to_base64(pair));
    return {};
  }
  if (type != "api_key")
    return invalid("http_parameters", "auth.type must be none, bearer, basic or api_key");
  auto name = member_text(*auth, "name");
  if (name.empty())
    name = member_text(*auth, "header");
  if (name.empty())
    name = "X-API-Key";
  auto key = member_text(*auth, "value");
  if (key.empty())
    key = member_text(*auth, "key");
  if (json::text_or(*auth, "in", "header") == "query")
    step.request.url += (step.request.url.find('?') == std::string::npos ? '?' : '&') +
                        percent_encode(name) + '=' + percent_encode(key);
  else
    headers.emplace_back(std::move(name), std::move(key));
  return {};
}

void add_body(http::outgoing_request& to, const json::value& parameters) {
  const auto* body = json::find(parameters, "body");
  if (!body || body->is_null())
    return;
  const bool is_text = body->is_string();
  to.body = is_text ? std::string(body->get_string()) : json::write(*body);
  if (!has_header(to, "content-type"))
    to.headers.emplace_back("Content-Type",
                            is_text ? "text/plain; charset=utf-8" : "application/json");
}

/// The trace of the run and the span of the attempt: W3C Trace Context.
std::string traceparent(const skill_task& task) {
  const auto span = attempt_span(task.run, task.at, task.attempt);
  return "00-" + trace_of(task.run, task.trace_id) + "-" + span_text(span) + "-01";
}

std::string replace_invalid_utf8(std::string_view text) {
  if (valid_utf8(text))
    return std::string(text);
  std::string out;
  for (std::size_t at = 0; at < text.size();) {
    const auto size = utf8_sequence(text.substr(at));
    if (size == 0)
      out += "\xef\xbf\xbd";
    else
      out += text.substr(at, size);
    at += size == 0 ? 1 : size;
  }
  return out;
}

json::value body_value(const http::incoming_response& from) {
  std::string_view type;
  for (const auto& [name, text] : from.headers)
    if (name == "content-type")
      type = text;
  const auto plain = type.substr(0, type.find(';'));
  if (plain.find("json") != std::string_view::npos)
    if (auto parsed = json::parse(from.body))
      return std::move(*parsed);
  return json::value(json::string(replace_invalid_utf8(from.body)));
}

json::object response_value(const http::incoming_response& from) {
  json::object headers;
  for (const auto& [name, text] : from.headers) {
    auto& slot = headers[name];
    const auto safe = replace_invalid_utf8(text);
    if (slot.is_string())
      slot.get_string() += ", " + safe;
    else
      slot = json::string(safe);
  }
  json::object out;
  out["status"] = from.status;
  out["headers"] = std::move(headers);
  out["body"] = body_value(from);
  return out;
}

attempt_outcome transport_failure(const failure& why) {
  const bool permanent = why.kind == failure_kind::invalid || why.code == "response_too_large" ||
                         why.code == "too_many_redirects";
  return failed_attempt(why.code, why.message, !permanent);
}

} // namespace

std::string percent_encode(std::string_view text) {
  static constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                       c == '-' || c == '.' || c == '_' || c == '~';
    if (plain) {
      out += c;
    } else {
      const auto byte = static_cast<unsigned char>(c);
      out += '%';
      out += digits[byte >> 4];
      out += digits[byte & 15];
    }
  }
  return out;
}

std::optional<milliseconds> retry_after_of(std::string_view text, instant now) {
  std::int64_t seconds = 0;
  const auto [end, ec] = std::from_chars(text.data(), text.data() + text.size(), seconds);
  if (ec == std::errc{} && end == text.data() + text.size())
    return seconds >= 0
               ? std::optional(milliseconds(std::min<std::int64_t>(seconds, 86'400) * 1000))
               : std::nullopt;
  // "Sun, 06 Nov 1994 08:49:37 GMT"
  static constexpr std::string_view months = "JanFebMarAprMayJunJulAugSepOctNovDec";
  if (text.size() != 29 || text.substr(25) != " GMT")
    return std::nullopt;
  const auto month = months.find(text.substr(8, 3));
  if (month == std::string_view::npos || month % 3 != 0)
    return std::nullopt;
  std::string iso(text.substr(12, 4));
  const auto number = month / 3 + 1;
  iso += number < 10 ? "-0" : "-";
  iso += std::to_string(number) + "-" + std::string(text.substr(5, 2)) + "T" +
         std::string(text.substr(17, 8)) + "Z";
  const auto at = instant_from_text(iso);
  return at && *at > now ? std::optional(*at - now) : std::nullopt;
}

result<http_step> make_http_step(const skill_task& task) {
  const auto& p = *task.parameters;
  http_step step;
  auto& to = step.request;
  to.url = member_text(p, "url");
  if (to.url.empty())
    return invalid("http_parameters", "url is missing");
  to.method = member_text(p, "method");
  if (to.method.empty())
    to.method = "GET";
  std::ranges::transform(to.method, to.method.begin(), [](char c) {
    return c >= 'a' && c <= 'z' ? static_cast<char>(c - 32) : c;
  });
  if (const auto* headers = json::find(p, "headers"); headers && headers->is_object())
    for (const auto& [name, v] : headers->get_object())
      if (!v.is_null())
        to.headers.emplace_back(std::string(name), text_of(v));
  add_query(to.url, p);
  if (auto ok = add_auth(step, p); !ok)
    return ok.error();
  add_body(to, p);
  if (!has_header(to, "idempotency-key"))
    to.headers.emplace_back("Idempotency-Key", task.idempotency_key);
  if (!has_header(to, "traceparent"))
    to.headers.emplace_back("traceparent", traceparent(task));
  for (const auto& [name, text] : to.headers)
    if (name.empty() || !is_header_safe(name) || !is_header_safe(text) ||
        name.find_first_of(" :") != std::string::npos)
      return invalid("http_parameters",
                     "headers: a name or value has a character that is not allowed");
  const auto own = milliseconds(static_cast<std::int64_t>(
      std::clamp(number_or(p, "timeout_seconds", 0), 0.0, 86'400.0) * 1000));
  to.timeout = own.count() > 0 ? std::min(own, task.timeout) : task.timeout;
  to.connect_timeout = std::min(to.connect_timeout, to.timeout);
  to.follow_redirects = flag_or(p, "follow_redirects", true);
  to.verify_tls = flag_or(p, "verify_tls", true);
  to.response_bytes_max = static_cast<std::size_t>(std::clamp(
      number_or(p, "max_response_bytes", static_cast<double>(to.response_bytes_max)), 1.0, 1e9));
  if (const auto* allowed = json::find(p, "allowed_statuses"); allowed && allowed->is_array())
    for (const auto& each : allowed->get_array())
      if (each.is_int64())
        step.allowed_statuses.push_back(static_cast<unsigned>(each.get_int64()));
  step.host = host_of(to.url);
  return step;
}

attempt_outcome http_outcome(const http_step& step, result<http::incoming_response> answer,
                             instant now) {
  if (!answer)
    return transport_failure(answer.error());
  const auto status = answer->status;
  const bool good = (status >= 200 && status < 300) ||
                    std::ranges::find(step.allowed_statuses, status) != step.allowed_statuses.end();
  auto value = response_value(*answer);
  attempt_outcome out;
  out.succeeded = good;
  if (good) {
    out.ports.push_back({"main", value_ref(share(std::move(value)))});
    return out;
  }
  out.error.code = "http_status";
  out.error.message = "the server answered " + std::to_string(status);
  out.error.status = status;
  out.error.retryable = retryable_status(status);
  out.error.data = value_ref(share(std::move(value["body"])));
  for (const auto& [name, text] : answer->headers)
    if (name == "retry-after")
      out.retry_after = retry_after_of(text, now);
  return out;
}

} // namespace troupe

#include "net/rest/decode.hpp"

#include "net/rest/headers.hpp"
#include "runtime/base/instant.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::rest {

namespace {

bool blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

failure bad_parameter(std::string_view name, std::string message) {
  return {failure_kind::invalid,
          "bad_parameter",
          std::move(message),
          {},
          {{"", std::string(name), "bad_parameter", "not a valid value"}}};
}

} // namespace

result<json::object> decode_json(const http::request& r, body_kind kind, std::size_t bytes_max) {
  const bool may_lack = kind == body_kind::optional || kind == body_kind::execute;
  if (kind == body_kind::none || (may_lack && blank(r.body)))
    return json::object{};
  if (const auto type = media_of(r); type != media::json && type != media::absent)
    return failure{failure_kind::unsupported,
                   "unsupported_media_type",
                   "The body's content type is not supported here.",
                   "Send application/json.",
                   {}};
  if (r.body.size() > bytes_max)
    return failure{failure_kind::too_large,
                   "body_too_large",
                   "The body is over the limit of this route.",
                   {},
                   {}};
  auto parsed = json::parse(r.body, {body_depth_max, bytes_max});
  if (!parsed)
    return std::move(parsed).error();
  if (!parsed->is_object())
    return invalid("wrong_type", "The body is not a JSON object.");
  return std::move(parsed->get_object());
}

const json::value* fields::any(std::string_view name) const noexcept {
  const auto* v = from_.if_contains(name);
  return v == nullptr || v->is_null() ? nullptr : v;
}

void fields::complain(std::string_view name, std::string code, std::string message) {
  complaints_.push_back({"", prefix_ + std::string(name), std::move(code), std::move(message)});
}

std::string fields::text(std::string_view name, std::string_view otherwise) {
  const auto* v = any(name);
  if (v == nullptr)
    return std::string(otherwise);
  if (v->is_string())
    return std::string(v->get_string());
  complain(name, "wrong_type", "must be a string");
  return std::string(otherwise);
}

std::string fields::required_text(std::string_view name) {
  auto out = text(name);
  const auto* v = any(name);
  if (out.empty() && (v == nullptr || v->is_string()))
    complain(name, "required", "is required");
  return out;
}

bool fields::flag(std::string_view name, bool otherwise) {
  const auto* v = any(name);
  if (v == nullptr)
    return otherwise;
  if (v->is_bool())
    return v->get_bool();
  complain(name, "wrong_type", "must be true or false");
  return otherwise;
}

std::int64_t fields::whole(std::string_view name, std::int64_t otherwise, std::int64_t lowest,
                           std::int64_t highest) {
  const auto* v = any(name);
  if (v == nullptr)
    return otherwise;
  std::int64_t n = 0;
  if (v->is_int64())
    n = v->get_int64();
  else if (v->is_double() && v->get_double() >= -9e15 && v->get_double() <= 9e15 &&
           v->get_double() == static_cast<double>(static_cast<std::int64_t>(v->get_double())))
    n = static_cast<std::int64_t>(v->get_double());
  else {
    complain(name, "wrong_type", "must be a whole number");
    return otherwise;
  }
  if (n >= lowest && n <= highest)
    return n;
  complain(name, "out_of_range",
           "must be from " + std::to_string(lowest) + " to " + std::to_string(highest));
  return otherwise;
}

const json::object* fields::map(std::string_view name) {
  const auto* v = any(name);
  if (v == nullptr)
    return nullptr;
  if (const auto* o = v->if_object())
    return o;
  complain(name, "wrong_type", "must be an object");
  return nullptr;
}

const json::array* fields::list(std::string_view name) {
  const auto* v = any(name);
  if (v == nullptr)
    return nullptr;
  if (const auto* a = v->if_array())
    return a;
  complain(name, "wrong_type", "must be a list");
  return nullptr;
}

std::string fields::one_of(std::string_view name, std::string_view otherwise,
                           std::initializer_list<std::string_view> words) {
  auto out = text(name, otherwise);
  if (std::find(words.begin(), words.end(), out) != words.end())
    return out;
  std::string known;
  for (const auto word : words)
    known += (known.empty() ? "" : ", ") + std::string(word);
  complain(name, "bad_value", "must be one of " + known);
  return std::string(otherwise);
}

std::optional<failure> fields::fault() const {
  if (complaints_.empty())
    return std::nullopt;
  const auto& first = complaints_.front();
  failure out = invalid(first.code, "Field '" + first.field + "' " + first.message + ".");
  out.node_errors = complaints_;
  return out;
}

result<std::uint64_t> number_parameter(const http::request& r, std::string_view name,
                                       std::uint64_t otherwise, std::uint64_t lowest,
                                       std::uint64_t highest) {
  if (!r.has_parameter(name))
    return otherwise;
  const auto text = r.parameter(name);
  std::uint64_t n = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), n);
  if (ec != std::errc{} || at != text.data() + text.size() || n < lowest || n > highest)
    return bad_parameter(name, "Parameter '" + std::string(name) +
                                   "' must be a whole number from " + std::to_string(lowest) +
                                   " to " + std::to_string(highest) + ".");
  return n;
}

result<std::optional<bool>> flag_parameter(const http::request& r, std::string_view name) {
  if (!r.has_parameter(name))
    return std::optional<bool>{};
  const auto text = r.parameter(name);
  if (text.empty() || text == "true" || text == "1" || text == "yes")
    return std::optional<bool>{true};
  if (text == "false" || text == "0" || text == "no")
    return std::optional<bool>{false};
  return bad_parameter(name, "Parameter '" + std::string(name) + "' must be true or false.");
}

result<std::optional<std::int64_t>> time_parameter(const http::request& r, std::string_view name) {
  const auto text = r.parameter(name);
  if (text.empty())
    return std::optional<std::int64_t>{};
  if (const auto at = instant_from_text(text))
    return std::optional<std::int64_t>{to_millis(*at)};
  std::int64_t ms = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), ms);
  if (ec == std::errc{} && at == text.data() + text.size())
    return std::optional<std::int64_t>{ms};
  return bad_parameter(name, "Parameter '" + std::string(name) + "' must be a time (RFC 3339).");
}

std::vector<std::string> list_parameter(const http::request& r, std::string_view name) {
  std::vector<std::string> out;
  for (const auto& [key, value] : r.query) {
    if (key != name)
      continue;
    std::string_view rest = value;
    while (!rest.empty()) {
      const auto comma = rest.find(',');
      if (comma != 0)
        out.emplace_back(rest.substr(0, comma));
      rest = comma == std::string_view::npos ? std::string_view{} : rest.substr(comma + 1);
    }
  }
  return out;
}

} // namespace troupe::rest

#include "net/rest/headers.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::rest {

namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c - 'A' + 'a');
  return out;
}

std::string_view trimmed(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t'))
    text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t'))
    text.remove_suffix(1);
  return text;
}

template <class T> std::optional<T> whole_number(std::string_view text) {
  T out{};
  const auto end = text.data() + text.size();
  const auto [at, ec] = std::from_chars(text.data(), end, out);
  if (ec != std::errc{} || at != end || text.empty())
    return std::nullopt;
  return out;
}

bool hex_digits(std::string_view text, std::size_t count) noexcept {
  return text.size() == count && std::all_of(text.begin(), text.end(), [](char c) {
           return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
         });
}

bool all_zero(std::string_view text) noexcept {
  return text.find_first_not_of('0') == std::string_view::npos;
}

/// Calls `each` for every trimmed part between commas.
template <class F> void each_part(std::string_view list, F each) {
  while (!list.empty()) {
    const auto comma = list.find(',');
    each(trimmed(list.substr(0, comma)));
    list = comma == std::string_view::npos ? std::string_view{} : list.substr(comma + 1);
  }
}

failure unauthenticated(std::string code, std::string message) {
  return {failure_kind::unauthenticated, std::move(code), std::move(message), {}, {}};
}

constexpr std::string_view exposed_headers =
    "ETag, Location, Retry-After, Troupe-Position, X-Request-ID, traceparent";
constexpr std::string_view allowed_headers =
    "Authorization, Content-Type, Accept, Idempotency-Key, If-Match, If-None-Match, Last-Event-ID, "
    "X-Request-ID, traceparent, Troupe-Position";

} // namespace

std::optional<std::string> request_id_of(const http::request& r) {
  const auto text = r.header("x-request-id");
  const bool visible =
      std::all_of(text.begin(), text.end(), [](char c) { return c > 0x20 && c < 0x7f; });
  if (text.empty() || text.size() > 128 || !visible)
    return std::nullopt;
  return std::string(text);
}

std::optional<trace_context> trace_of(std::string_view text) {
  if (text.size() < 55 || text[2] != '-' || text[35] != '-' || text[52] != '-')
    return std::nullopt;
  const auto version = text.substr(0, 2), trace = text.substr(3, 32), parent = text.substr(36, 16),
             flags = text.substr(53, 2);
  const bool right_length =
      version == "00" ? text.size() == 55 : text.size() == 55 || text[55] == '-';
  if (!right_length || version == "ff" || !hex_digits(version, 2) || !hex_digits(trace, 32) ||
      !hex_digits(parent, 16) || !hex_digits(flags, 2) || all_zero(trace) || all_zero(parent))
    return std::nullopt;
  return trace_context{std::string(trace), std::string(parent), std::string(flags)};
}

result<std::optional<std::uint32_t>> if_match_of(const http::request& r) {
  auto text = trimmed(r.header("if-match"));
  if (text.empty() || text == "*")
    return std::optional<std::uint32_t>{};
  if (text.starts_with("W/"))
    text.remove_prefix(2);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  const auto version = whole_number<std::uint32_t>(text);
  if (!version)
    return invalid("bad_if_match", "If-Match is not the ETag of a version.",
                   "Send the ETag of an earlier answer, such as \"3\".");
  return std::optional<std::uint32_t>{*version};
}

bool none_match_names(const http::request& r, std::string_view etag) {
  bool found = false;
  each_part(r.header("if-none-match"), [&](std::string_view part) {
    if (part.starts_with("W/"))
      part.remove_prefix(2);
    found = found || part == etag || part == "*";
  });
  return found;
}

std::string etag_of(std::uint32_t version) {
  return '"' + std::to_string(version) + '"';
}

result<std::vector<std::pair<std::uint16_t, std::uint64_t>>> positions_of(const http::request& r) {
  std::vector<std::pair<std::uint16_t, std::uint64_t>> out;
  bool good = true;
  each_part(r.header("troupe-position"), [&](std::string_view part) {
    const auto colon = part.find(':');
    if (colon == std::string_view::npos || out.size() >= 256) {
      good = false;
      return;
    }
    const auto partition = whole_number<std::uint16_t>(part.substr(0, colon));
    const auto index = whole_number<std::uint64_t>(part.substr(colon + 1));
    good = good && partition && index;
    if (partition && index)
      out.emplace_back(*partition, *index);
  });
  if (!good)
    return invalid("bad_position", "Troupe-Position is not partition:index.",
                   "Send the header as an earlier answer carried it.");
  return out;
}

media media_of(const http::request& r) {
  const auto text = r.header("content-type");
  const auto type = lower(trimmed(text.substr(0, text.find(';'))));
  if (type.empty())
    return media::absent;
  if (type == "application/json" || type == "text/json" || type.ends_with("+json"))
    return media::json;
  if (type == "application/yaml" || type == "application/x-yaml" || type == "text/yaml" ||
      type == "text/x-yaml" || type.ends_with("+yaml"))
    return media::yaml;
  return media::other;
}

bool accepts(const http::request& r, std::string_view type) {
  bool found = false;
  each_part(r.header("accept"), [&](std::string_view part) {
    found = found || lower(trimmed(part.substr(0, part.find(';')))) == type;
  });
  return found;
}

result<std::string> bearer_of(const http::request& r) {
  const auto text = r.header("authorization");
  if (text.empty())
    return unauthenticated("missing_authorization", "Missing authorization header");
  const auto space = text.find(' ');
  if (space == std::string_view::npos || lower(text.substr(0, space)) != "bearer" ||
      trimmed(text.substr(space)).empty())
    return unauthenticated("bad_authorization", "Invalid authorization header format");
  return std::string(trimmed(text.substr(space)));
}

bool has_header(const http::response& answer, std::string_view name) noexcept {
  return std::any_of(answer.headers.begin(), answer.headers.end(), [name](const auto& h) {
    return std::equal(h.first.begin(), h.first.end(), name.begin(), name.end(),
                      [](char a, char b) { return (a | 0x20) == (b | 0x20); });
  });
}

void set_default(http::response& answer, std::string_view name, std::string_view value) {
  if (!has_header(answer, name))
    answer.headers.emplace_back(name, value);
}

void add_cors(const origin_list& allowed, const http::request& r, http::response& answer) {
  if (allowed.empty())
    return;
  set_default(answer, "Vary", "Origin");
  const auto origin = r.header("origin");
  const bool known = !origin.empty() && std::any_of(allowed.begin(), allowed.end(), [&](auto& o) {
    return o == "*" || o == origin;
  });
  if (!known)
    return;
  set_default(answer, "Access-Control-Allow-Origin", origin);
  set_default(answer, "Access-Control-Expose-Headers", exposed_headers);
}

http::response options_answer(const origin_list& allowed, const http::request& r,
                              std::string_view allow) {
  http::response out{204, {{"Allow", std::string(allow) + ", OPTIONS"}}, {}, {}};
  add_cors(allowed, r, out);
  if (has_header(out, "Access-Control-Allow-Origin")) {
    out.headers.emplace_back("Access-Control-Allow-Methods", std::string(allow) + ", OPTIONS");
    out.headers.emplace_back("Access-Control-Allow-Headers", allowed_headers);
    out.headers.emplace_back("Access-Control-Max-Age", "600");
  }
  return out;
}

void add_security(std::string_view path, http::response& answer) {
  set_default(answer, "X-Content-Type-Options", "nosniff");
  set_default(answer, "X-Frame-Options", "DENY");
  set_default(answer, "Referrer-Policy", "no-referrer");
  const bool page = std::any_of(answer.headers.begin(), answer.headers.end(),
                                [](const auto& h) { return h.second.starts_with("text/html"); });
  set_default(answer, "Content-Security-Policy",
              page ? "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; "
                     "script-src 'self'; frame-ancestors 'none'; base-uri 'none'"
                   : "default-src 'none'; frame-ancestors 'none'");
  if (path.starts_with("/api/") || answer.status >= 400)
    set_default(answer, "Cache-Control", "no-store");
}

} // namespace troupe::rest

#include "net/http/target.hpp"

#include "net/http/text.hpp"
#include "runtime/base/encoding.hpp"

#include <algorithm>

namespace troupe::http::detail {

namespace {

refusal bad_target(std::string message) {
  return bad_request("bad_target", std::move(message));
}

// The part of an absolute-form target behind the authority, or nothing for other schemes.
std::optional<std::string_view> without_authority(std::string_view target) {
  const auto colon = target.find("://");
  if (colon == std::string_view::npos)
    return std::nullopt;
  const auto scheme = target.substr(0, colon);
  if (!equal_ignoring_case(scheme, "http") && !equal_ignoring_case(scheme, "https"))
    return std::nullopt;
  target.remove_prefix(colon + 3);
  const auto end = std::min(target.find_first_of("/?"), target.size());
  if (end == 0 || target.substr(0, end).find('@') != std::string_view::npos)
    return std::nullopt;
  return target.substr(end);
}

std::optional<refusal> read_query(std::string_view text, request& out) {
  while (!text.empty()) {
    const auto end = std::min(text.find('&'), text.size());
    const auto pair = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (pair.empty())
      continue;
    const auto equals = std::min(pair.find('='), pair.size());
    auto name = percent_decoded(pair.substr(0, equals), true);
    auto value = percent_decoded(pair.substr(std::min(equals + 1, pair.size())), true);
    if (!name || !value || !is_utf8(*name) || !is_utf8(*value))
      return bad_target("The query has an invalid percent escape.");
    out.query.emplace_back(std::move(*name), std::move(*value));
  }
  return std::nullopt;
}

} // namespace

std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space) {
  std::string out;
  out.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '+' && plus_is_space) {
      out += ' ';
    } else if (text[i] != '%') {
      out += text[i];
    } else {
      if (i + 2 >= text.size())
        return std::nullopt;
      const int high = hex_digit(text[i + 1]), low = hex_digit(text[i + 2]);
      if (high < 0 || low < 0 || (high == 0 && low == 0))
        return std::nullopt;
      out += static_cast<char>(high * 16 + low);
      i += 2;
    }
  }
  return out;
}

std::optional<refusal> read_target(std::string_view target, request& out) {
  const auto visible = [](char c) { return c > 0x20 && c < 0x7f && c != '#'; };
  if (target.empty() || !std::all_of(target.begin(), target.end(), visible))
    return bad_target("The request target has bytes that must be escaped.");
  out.target = target;
  if (target == "*") {
    out.path = "/";
    if (out.verb == method::options)
      return std::nullopt;
    return bad_target("Only OPTIONS may ask for *.");
  }
  std::string_view rest = target;
  if (rest.front() != '/') {
    const auto behind = without_authority(rest);
    if (!behind)
      return bad_target("The request target is neither a path nor an http URL.");
    rest = *behind;
  }
  const auto mark = std::min(rest.find('?'), rest.size());
  if (mark == 0) {
    out.path = "/";
  } else {
    auto path = percent_decoded(rest.substr(0, mark), false);
    if (!path || !is_utf8(*path))
      return bad_target("The path has an invalid percent escape.");
    out.path = std::move(*path);
  }
  return read_query(rest.substr(std::min(mark + 1, rest.size())), out);
}

} // namespace troupe::http::detail

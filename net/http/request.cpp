#include "net/http/server.hpp"

#include <algorithm>

namespace troupe::http {

namespace {

std::string_view first(const std::vector<std::pair<std::string, std::string>>& pairs,
                       std::string_view name) noexcept {
  for (const auto& [key, value] : pairs)
    if (key == name)
      return value;
  return {};
}

} // namespace

std::string_view request::header(std::string_view name) const noexcept {
  return first(headers, name);
}

std::string_view request::parameter(std::string_view name) const noexcept {
  return first(query, name);
}

bool request::has_parameter(std::string_view name) const noexcept {
  return std::any_of(query.begin(), query.end(),
                     [name](const auto& pair) { return pair.first == name; });
}

} // namespace troupe::http

#include "net/rest/router.hpp"

#include "runtime/base/invariant.hpp"

namespace troupe::rest {

namespace {

constexpr std::size_t segments_max = 16;

/// "/a/b" → {"a", "b"}; "/" → {}. Stops past segments_max: no route is that long.
std::vector<std::string_view> split(std::string_view path) {
  std::vector<std::string_view> out;
  if (path == "/" || path.empty())
    return out;
  path.remove_prefix(path.front() == '/' ? 1 : 0);
  while (out.size() <= segments_max) {
    const auto slash = path.find('/');
    out.push_back(path.substr(0, slash));
    if (slash == std::string_view::npos)
      break;
    path.remove_prefix(slash + 1);
  }
  return out;
}

bool is_parameter(std::string_view segment) noexcept {
  return segment.size() > 2 && segment.front() == '{' && segment.back() == '}';
}

} // namespace

std::string_view route_match::parameter(std::string_view name) const noexcept {
  for (const auto& [key, value] : parameters)
    if (key == name)
      return value;
  return {};
}

router::router(std::span<const route> table) : table_(table) {
  for (std::size_t i = 0; i < table_.size(); ++i) {
    branch* at = &root_;
    for (const auto segment : split(table_[i].pattern)) {
      auto& next = is_parameter(segment) ? at->any : at->literal[segment];
      if (!next)
        next = std::make_unique<branch>();
      at = next.get();
    }
    for (const auto other : at->ends)
      check(table_[other].verb != table_[i].verb, "two routes with one method and path");
    at->ends.push_back(i);
  }
}

// Depth is bounded by the table, so the walk over literal and parameter branches is too.
const router::branch* router::walk(const branch& from,
                                   const std::vector<std::string_view>& segments,
                                   std::size_t depth) const {
  if (depth == segments.size())
    return from.ends.empty() ? nullptr : &from;
  if (const auto next = from.literal.find(segments[depth]); next != from.literal.end())
    if (const auto* end = walk(*next->second, segments, depth + 1))
      return end;
  if (from.any && !segments[depth].empty())
    return walk(*from.any, segments, depth + 1);
  return nullptr;
}

route_match router::find(http::method verb, std::string_view path) const {
  route_match out;
  const auto segments = split(path);
  const branch* end = segments.size() > segments_max ? nullptr : walk(root_, segments, 0);
  if (end == nullptr)
    return out;
  out.what = route_match::outcome::wrong_method;
  const auto wanted = verb == http::method::head ? http::method::get : verb;
  for (const auto index : end->ends) {
    const route& row = table_[index];
    out.allow += out.allow.empty() ? "" : ", ";
    out.allow += to_text(row.verb);
    if (row.verb == http::method::get)
      out.allow += ", HEAD";
    if (row.verb != wanted)
      continue;
    out.what = route_match::outcome::found;
    out.index = index;
    const auto names = split(row.pattern);
    for (std::size_t i = 0; i < names.size(); ++i)
      if (is_parameter(names[i]))
        out.parameters.emplace_back(names[i].substr(1, names[i].size() - 2), segments[i]);
  }
  return out;
}

} // namespace troupe::rest

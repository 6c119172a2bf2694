// Finds the route of a request. A literal segment always wins over a parameter.
#pragma once

#include "net/rest/route.hpp"

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::rest {

struct route_match {
  enum class outcome : std::uint8_t { found, wrong_method, unknown };
  outcome what = outcome::unknown;
  std::size_t index = 0;                                            ///< into the table, when found
  std::vector<std::pair<std::string_view, std::string>> parameters; ///< name and decoded text
  std::string allow; ///< "GET, HEAD, POST": methods of the path, when it is known

  std::string_view parameter(std::string_view name) const noexcept; ///< empty: none
};

/// Immutable after construction; thread-safe. The table must outlive it.
class router {
public:
  explicit router(std::span<const route> table);
  /// `path` is decoded; an empty segment never matches a parameter. HEAD finds GET.
  route_match find(http::method verb, std::string_view path) const;
  const route& at(std::size_t index) const { return table_[index]; }
  std::span<const route> table() const noexcept { return table_; }

private:
  struct branch {
    std::map<std::string_view, std::unique_ptr<branch>> literal;
    std::unique_ptr<branch> any;
    std::vector<std::size_t> ends; ///< routes of this path
  };
  const branch* walk(const branch& from, const std::vector<std::string_view>& segments,
                     std::size_t depth) const;

  std::span<const route> table_;
  branch root_;
};

} // namespace troupe::rest

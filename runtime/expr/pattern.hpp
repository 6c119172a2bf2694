// Regular expressions without backtracking, for the function `regex`.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

namespace troupe::expr {

constexpr std::size_t pattern_bytes_max = 1'000;

/// A compiled pattern (the syntax of RE2). Immutable and thread-safe; takes at most about 256 KiB.
class pattern {
public:
  struct compiled; ///< private to pattern.cpp
  explicit pattern(std::unique_ptr<const compiled> it);
  ~pattern();

  /// The first capture group if the pattern has one, else the whole of the first match; empty when
  /// nothing matches or the group took no part. Points into `text`. The time is linear in `text`.
  std::optional<std::string_view> find(std::string_view text) const;
  /// Operations of an expression's budget that looking through so much text counts as.
  std::uint64_t cost(std::size_t text_bytes) const;

private:
  const std::unique_ptr<const compiled> it_;
};

/// Failures have kind `invalid` and code "regex_invalid": bad syntax, too long, too large.
result<std::shared_ptr<const pattern>> compile_pattern(std::string_view text);

} // namespace troupe::expr

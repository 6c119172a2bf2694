// The words of an expression.
#pragma once

#include "runtime/base/json.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe::expr {

enum class token_kind { name, text, number, symbol, end };

struct token {
  token_kind kind = token_kind::end;
  std::string_view raw; ///< as written; for symbols and names
  json::value literal;  ///< of text and numbers
  std::size_t at = 0;   ///< byte offset in the expression
};

/// Splits `text` (at most expression_bytes_max, well-formed UTF-8); the last token is `end`. The
/// tokens point into `text`. `column` is where `text` begins, for messages, from 1.
result<std::vector<token>> tokenize(std::string_view text, std::size_t column);

/// A failure with code "expression_syntax" at byte `at` of `text`.
failure syntax_failure(std::string_view text, std::size_t at, std::size_t column,
                       const std::string& what);

/// The position behind the `}}` that closes an expression beginning at `text`'s start, which is
/// just behind its `{{`; npos when none does. Braces and string literals inside are respected.
std::size_t find_close(std::string_view text) noexcept;

} // namespace troupe::expr

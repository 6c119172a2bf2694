// Lists: {items, total_count, has_more, next_cursor}, limit and cursor.
#pragma once

#include "net/http/server.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::rest {

constexpr std::uint32_t page_default = 50, page_max = 500;

struct page_request {
  std::uint32_t limit = page_default;
  std::string cursor; ///< opaque; empty: from the start
};

/// limit 1…500, else 422 (code "bad_parameter"); a cursor of over 1,024 bytes is "bad_cursor".
result<page_request> page_of(const http::request& r);

/// The body of a list. `items` are JSON texts; `next_cursor` empty: no more.
std::string list_text(const std::vector<std::string>& items, std::uint64_t total_count,
                      std::string_view next_cursor, bool stale = false);

/// Cursors that name a position: "o" and a number, in base64. Code "bad_cursor" (422).
std::string cursor_at(std::uint64_t position);
result<std::uint64_t> position_of(std::string_view cursor); ///< 0 when empty

/// A page of a list that is in memory.
result<std::string> page_text(const json::array& all, const page_request& page);

} // namespace troupe::rest

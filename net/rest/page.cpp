#include "net/rest/page.hpp"

#include "net/rest/decode.hpp"
#include "runtime/base/encoding.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::rest {

namespace {

failure bad_cursor() {
  return invalid("bad_cursor", "The cursor is not one that this list gave out.",
                 "Start again without a cursor.");
}

} // namespace

result<page_request> page_of(const http::request& r) {
  const auto limit = number_parameter(r, "limit", page_default, 1, page_max);
  if (!limit)
    return limit.error();
  if (r.parameter("cursor").size() > 1'024)
    return bad_cursor();
  return page_request{static_cast<std::uint32_t>(*limit), std::string(r.parameter("cursor"))};
}

std::string list_text(const std::vector<std::string>& items, std::uint64_t total_count,
                      std::string_view next_cursor, bool stale) {
  std::size_t bytes = 128 + next_cursor.size();
  for (const auto& item : items)
    bytes += item.size() + 1;
  std::string out;
  out.reserve(bytes);
  out += R"({"items":[)";
  for (std::size_t i = 0; i < items.size(); ++i) {
    if (i > 0)
      out += ',';
    out += items[i];
  }
  out += R"(],"total_count":)" + std::to_string(total_count);
  out += next_cursor.empty() ? R"(,"has_more":false,"next_cursor":null)"
                             : R"(,"has_more":true,"next_cursor":)";
  if (!next_cursor.empty())
    json::write_string(out, next_cursor);
  if (stale)
    out += R"(,"stale":true)";
  out += '}';
  return out;
}

std::string cursor_at(std::uint64_t position) {
  return to_base64url("o" + std::to_string(position));
}

result<std::uint64_t> position_of(std::string_view cursor) {
  if (cursor.empty())
    return std::uint64_t{0};
  const auto text = from_base64(cursor);
  if (!text || text->size() < 2 || text->front() != 'o')
    return bad_cursor();
  std::uint64_t out = 0;
  const auto end = text->data() + text->size();
  const auto [at, ec] = std::from_chars(text->data() + 1, end, out);
  if (ec != std::errc{} || at != end)
    return bad_cursor();
  return out;
}

result<std::string> page_text(const json::array& all, const page_request& page) {
  const auto position = position_of(page.cursor);
  if (!position)
    return position.error();
  const auto from = static_cast<std::size_t>(std::min<std::uint64_t>(*position, all.size()));
  const auto to = std::min(all.size(), from + page.limit);
  std::vector<std::string> items;
  for (std::size_t i = from; i < to; ++i)
    items.push_back(json::write(all[i]));
  return list_text(items, all.size(), to < all.size() ? cursor_at(to) : std::string{});
}

} // namespace troupe::rest

#include "persistence/views/page.hpp"

#include "persistence/views/queries.hpp"
#include "runtime/base/encoding.hpp"
#include "runtime/base/instant.hpp"

#include <algorithm>
#include <charconv>

namespace troupe::sqlite {

void conditions::add(std::string_view sql) {
  sql_ += sql_.empty() ? "" : " AND ";
  sql_ += sql;
}

void conditions::add(std::string_view sql, std::int64_t value) {
  add(sql);
  values_.emplace_back(value);
}

void conditions::add(std::string_view sql, std::string value) {
  add(sql);
  values_.emplace_back(keep(std::move(value)));
}

void conditions::also(std::string_view sql, std::string value) {
  sql_ += sql;
  values_.emplace_back(keep(std::move(value)));
}

void conditions::equal(std::string_view column, std::string_view value) {
  if (!value.empty())
    add(std::string(column) + " = ?", std::string(value));
}

void conditions::behind(std::string_view created, std::string_view id, std::int64_t created_ms,
                        std::string id_value) {
  add("(" + std::string(created) + ", " + std::string(id) + ") < (?, ?)", created_ms);
  values_.emplace_back(keep(std::move(id_value)));
}

namespace {

std::string cursor_behind(char list, std::int64_t created_ms, std::string_view id) {
  return to_base64url(std::string(1, list) + std::to_string(created_ms) + ":" + std::string(id));
}

result<void> add_cursor(conditions& where, const list_query& list) {
  if (list.cursor.empty())
    return {};
  const auto refused = invalid("cursor_invalid", "the cursor was not given out by this list",
                               "send next_cursor of the page before, unchanged");
  const auto text = from_base64(list.cursor);
  const auto colon = text ? text->find(':') : std::string::npos;
  if (colon == std::string::npos || (*text)[0] != list.name)
    return refused;
  std::int64_t created = 0;
  const auto* const end = text->data() + colon;
  const auto read = std::from_chars(text->data() + 1, end, created);
  if (read.ec != std::errc{} || read.ptr != end)
    return refused;
  where.behind(list.created, list.id, created, text->substr(colon + 1));
  return {};
}

} // namespace

result<view_page> page_of(connection& from, conditions where, const list_query& list) {
  view_page page;
  auto done = from.each_row(
      "SELECT count(*) FROM " + list.from + where.where(), where.values(),
      [&](const row& found) { page.total_count = static_cast<std::uint64_t>(found.integer(0)); });
  if (done)
    done = add_cursor(where, list);
  if (!done)
    return done.error();
  const auto limit = std::clamp<std::uint32_t>(list.limit, 1, page_items_max);
  auto values = where.values();
  values.emplace_back(std::int64_t{limit} + 1);
  std::string last;
  done = from.each_row("SELECT " + list.columns + " FROM " + list.from + where.where() +
                           " ORDER BY " + list.created + " DESC, " + list.id + " DESC LIMIT ?",
                       values, [&](const row& found) {
                         if (page.items.size() == limit) {
                           page.next_cursor = last;
                           return;
                         }
                         page.items.push_back(list.item(found));
                         last = cursor_behind(list.name, found.integer(0), found.text(1));
                       });
  if (!done)
    return done.error();
  return page;
}

std::string time_or_null(const row& at, int column) {
  return at.null(column) ? "null" : "\"" + to_text(from_millis(at.integer(column))) + "\"";
}

} // namespace troupe::sqlite

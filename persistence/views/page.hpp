// Building one page of a list: conditions, the cursor behind which it starts, and its end.
#pragma once

#include "persistence/store/views.hpp"
#include "persistence/views/connection.hpp"

#include <cstdint>
#include <functional>
#include <list>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::sqlite {

/// Conditions joined by AND, with the values they bind, so that the two cannot drift apart.
class conditions {
public:
  conditions() = default;
  conditions(conditions&&) = default; // not copied: the values look at the kept texts
  conditions& operator=(conditions&&) = default;
  void add(std::string_view sql);
  void add(std::string_view sql, std::int64_t value);
  /// Keeps the text itself.
  void add(std::string_view sql, std::string value);
  /// Continues the last condition.
  void also(std::string_view sql, std::string value);
  /// Adds "column = value" unless the value is empty: no filter.
  void equal(std::string_view column, std::string_view value);
  /// "(created, id) < (…, …)": what comes behind a row in the order newest first.
  void behind(std::string_view created, std::string_view id, std::int64_t created_ms,
              std::string id_value);

  std::string where() const { return sql_.empty() ? "" : " WHERE " + sql_; }
  const std::vector<bound>& values() const { return values_; }

private:
  std::string_view keep(std::string value) { return kept_.emplace_back(std::move(value)); }

  std::string sql_;
  std::vector<bound> values_;
  std::list<std::string> kept_;
};

/// A list in the order newest first by (created_ms, id).
struct list_query {
  char name;           ///< first letter of its cursors: no list takes another's
  std::string columns; ///< the first two are created_ms and id
  std::string from;    ///< table, with joins
  std::string created = "created_ms", id = "id"; ///< columns of the order
  std::uint32_t limit = 50;
  std::string cursor = {};
  std::function<std::string(const row&)> item = {}; ///< JSON of a row
};
result<view_page> page_of(connection& from, conditions where, const list_query& list);

/// "2026-11-21T03:45:00.123Z" in quotes; null for SQL's NULL.
std::string time_or_null(const row& at, int column);

result<view_page> answer_documents(connection& from, const document_filter& filter);

} // namespace troupe::sqlite

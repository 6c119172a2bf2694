// One SQLite connection with its prepared statements. Not thread-safe: the owner thread's own.
#pragma once

#include "runtime/base/result.hpp"

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <variant>
#include <vector>

struct sqlite3;
struct sqlite3_stmt;

namespace troupe::sqlite {

/// A value to bind: null, integer, text or bytes. Text must outlive the execution.
struct blob {
  std::string_view bytes;
};
using bound = std::variant<std::monostate, std::int64_t, std::string_view, blob>;

/// One row of an answer, valid until the next step.
class row {
public:
  explicit row(sqlite3_stmt* statement) : statement_(statement) {}
  bool null(int column) const;
  std::int64_t integer(int column) const;
  double real(int column) const;
  std::string_view text(int column) const;

private:
  sqlite3_stmt* statement_;
};

class connection {
public:
  static result<std::unique_ptr<connection>> open(const std::string& path);
  ~connection();
  connection(const connection&) = delete;
  connection& operator=(const connection&) = delete;

  /// Runs statements without parameters.
  result<void> script(const char* sql);

  /// Runs one statement, prepared at its first use; calls `each` for every row. Fails with
  /// "views_corrupt" for a damaged file, "storage_full", else "views_failed".
  template <class Each>
  result<void> each_row(const std::string& sql, const std::vector<bound>& values, Each&& each) {
    auto* const statement = prepared(sql);
    if (!statement || !bind(statement, values))
      return finished(statement);
    while (step(statement))
      each(row(statement));
    return finished(statement);
  }
  result<void> run(const std::string& sql, const std::vector<bound>& values) {
    return each_row(sql, values, [](const row&) {});
  }

  /// Rows that the last insert, update or delete changed.
  int changes() const;
  std::int64_t last_rowid() const;

private:
  explicit connection(sqlite3* handle) : handle_(handle) {}
  sqlite3_stmt* prepared(const std::string& sql);
  bool bind(sqlite3_stmt* statement, const std::vector<bound>& values);
  bool step(sqlite3_stmt* statement);
  result<void> finished(sqlite3_stmt* statement);
  failure why() const;

  sqlite3* handle_;
  int code_ = 0;
  std::unordered_map<std::string, sqlite3_stmt*> statements_;
};

} // namespace troupe::sqlite

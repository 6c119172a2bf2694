#include "persistence/views/connection.hpp"

#include <sqlite3.h>

namespace troupe::sqlite {

bool row::null(int column) const {
  return sqlite3_column_type(statement_, column) == SQLITE_NULL;
}

std::int64_t row::integer(int column) const {
  return sqlite3_column_int64(statement_, column);
}

double row::real(int column) const {
  return sqlite3_column_double(statement_, column);
}

std::string_view row::text(int column) const {
  const auto* const bytes = static_cast<const char*>(sqlite3_column_blob(statement_, column));
  const auto size = static_cast<std::size_t>(sqlite3_column_bytes(statement_, column));
  return bytes ? std::string_view(bytes, size) : std::string_view();
}

result<std::unique_ptr<connection>> connection::open(const std::string& path) {
  sqlite3* handle = nullptr;
  const int code =
      sqlite3_open_v2(path.c_str(), &handle,
                      SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE | SQLITE_OPEN_NOMUTEX, nullptr);
  std::unique_ptr<connection> opened(new connection(handle));
  opened->code_ = code;
  if (code != SQLITE_OK)
    return opened->why();
  sqlite3_busy_timeout(handle, 2000);
  return opened;
}

connection::~connection() {
  for (const auto& [sql, statement] : statements_)
    sqlite3_finalize(statement);
  sqlite3_close(handle_);
}

result<void> connection::script(const char* sql) {
  code_ = sqlite3_exec(handle_, sql, nullptr, nullptr, nullptr);
  return code_ == SQLITE_OK ? result<void>{} : result<void>(why());
}

int connection::changes() const {
  return sqlite3_changes(handle_);
}

std::int64_t connection::last_rowid() const {
  return sqlite3_last_insert_rowid(handle_);
}

sqlite3_stmt* connection::prepared(const std::string& sql) {
  if (const auto found = statements_.find(sql); found != statements_.end())
    return found->second;
  sqlite3_stmt* statement = nullptr;
  code_ =
      sqlite3_prepare_v3(handle_, sql.c_str(), -1, SQLITE_PREPARE_PERSISTENT, &statement, nullptr);
  if (code_ == SQLITE_OK)
    statements_.emplace(sql, statement);
  return statement;
}

bool connection::bind(sqlite3_stmt* statement, const std::vector<bound>& values) {
  int at = 0;
  for (const auto& value : values) {
    ++at;
    if (std::holds_alternative<std::monostate>(value))
      code_ = sqlite3_bind_null(statement, at);
    else if (const auto* number = std::get_if<std::int64_t>(&value))
      code_ = sqlite3_bind_int64(statement, at, *number);
    else if (const auto* text = std::get_if<std::string_view>(&value))
      // A null pointer would bind NULL instead of the empty text.
      code_ = sqlite3_bind_text64(statement, at, text->data() ? text->data() : "", text->size(),
                                  SQLITE_STATIC, SQLITE_UTF8);
    else
      code_ = sqlite3_bind_blob64(statement, at, std::get<blob>(value).bytes.data(),
                                  std::get<blob>(value).bytes.size(), SQLITE_STATIC);
    if (code_ != SQLITE_OK)
      return false;
  }
  return true;
}

bool connection::step(sqlite3_stmt* statement) {
  code_ = sqlite3_step(statement);
  return code_ == SQLITE_ROW;
}

result<void> connection::finished(sqlite3_stmt* statement) {
  const auto code = code_;
  auto outcome = code == SQLITE_DONE || code == SQLITE_OK ? result<void>{} : result<void>(why());
  if (statement)
    sqlite3_reset(statement);
  return outcome;
}

failure connection::why() const {
  const auto words = std::string("the views: ") + sqlite3_errstr(code_);
  switch (code_ & 0xff) {
  case SQLITE_CORRUPT:
  case SQLITE_NOTADB:
    return {failure_kind::internal,
            "views_corrupt",
            words,
            "restart: a damaged view file is made again",
            {}};
  case SQLITE_FULL: return {failure_kind::storage_full, "storage_full", words, {}, {}};
  default:
    return {failure_kind::internal,
            "views_failed",
            words + (handle_ ? std::string(": ") + sqlite3_errmsg(handle_) : ""),
            {},
            {}};
  }
}

} // namespace troupe::sqlite

#include "persistence/views/view_file.hpp"

#include "persistence/views/schema.hpp"
#include "runtime/base/log.hpp"

#include <filesystem>

namespace troupe::sqlite {

std::string damage_mark(const std::string& path) {
  return path + ".damaged";
}

namespace {

void remove_file(const std::string& path) {
  std::error_code ignored;
  for (const auto* suffix : {"", "-wal", "-shm", ".damaged"})
    std::filesystem::remove(path + suffix, ignored);
}

// True when the file is whole as far as it is looked at, and of this version.
bool usable(connection& file, bool check_all) {
  std::int64_t version = 0;
  bool whole = true;
  auto done = file.each_row("PRAGMA user_version", {},
                            [&](const row& found) { version = found.integer(0); });
  if (done && check_all)
    done = file.each_row("PRAGMA quick_check(1)", {},
                         [&](const row& found) { whole = found.text(0) == "ok"; });
  if (done)
    done = file.each_row("SELECT count(*) FROM positions", {}, [](const row&) {});
  return done.has_value() && whole && version == views_version;
}

} // namespace

result<opened_file> open_file(const std::string& path, const views_options& options) {
  std::error_code missing;
  const auto bytes = std::filesystem::file_size(path, missing);
  if (!missing && !std::filesystem::exists(damage_mark(path))) {
    auto file = connection::open(path);
    if (file && (*file)->script(pragmas) && usable(**file, bytes <= options.check_bytes_max))
      return opened_file{std::move(*file), false};
    log::warning("views", "the view file is damaged or of another version: it is made again");
  }
  remove_file(path);
  auto file = connection::open(path);
  if (!file)
    return file.error();
  const auto version = "PRAGMA user_version=" + std::to_string(views_version);
  for (const auto* sql : {pragmas, "BEGIN", schema, version.c_str(), "COMMIT"})
    if (auto done = (*file)->script(sql); !done)
      return done.error();
  return opened_file{std::move(*file), true};
}

} // namespace troupe::sqlite

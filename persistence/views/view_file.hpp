// The file of the views: opened when it is whole and of this version, else made anew.
#pragma once

#include "persistence/views/connection.hpp"
#include "persistence/views/sqlite_views.hpp"

#include <memory>
#include <string>

namespace troupe::sqlite {

struct opened_file {
  std::unique_ptr<connection> file;
  bool recreated = false;
};

/// A file of this name beside the views says that they are damaged.
std::string damage_mark(const std::string& path);

result<opened_file> open_file(const std::string& path, const views_options& options);

} // namespace troupe::sqlite

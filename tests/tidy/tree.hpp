// The C++ files of the repository, read once, with comments and strings blanked for word checks.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace troupe::tidy {

struct included {
  std::string path;
  bool quoted = false; ///< "…", not <…>
  std::size_t line = 0;
};

struct source_file {
  std::string path; ///< from the root, with '/'
  std::vector<std::string> lines;
  std::vector<std::string> code; ///< the same lines without comments, texts and characters
  std::vector<included> includes;
};

/// Every .cpp and .hpp below the folders that hold our C++, sorted by path.
std::vector<source_file> read_tree(const std::string& root);
source_file parse_source(std::string path, std::string_view text);

/// True when one of the space-separated prefixes begins `path` (a folder: at a '/').
bool any_prefix(std::string_view prefixes, std::string_view path);

/// One cycle of quoted includes as "a -> b -> a", or empty.
std::string find_cycle(const std::vector<source_file>& files);

/// Code points, not bytes.
std::size_t columns(std::string_view line);

} // namespace troupe::tidy

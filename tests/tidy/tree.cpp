#include "tests/tidy/tree.hpp"

#include <algorithm>
#include <cctype>
#include <filesystem>
#include <fstream>
#include <functional>
#include <iterator>
#include <map>

namespace troupe::tidy {

namespace {

constexpr std::string_view top_folders[] = {"actors",      "runtime", "persistence", "net",
                                            "node-config", "deploy",  "tests"};

/// Blanks comments, texts and characters; remembers a comment that goes on in the next line.
std::string strip(std::string_view line, bool& in_comment) {
  std::string out;
  for (std::size_t at = 0; at < line.size(); ++at) {
    if (in_comment) {
      if (line.substr(at, 2) == "*/") {
        in_comment = false;
        ++at;
      }
      continue;
    }
    if (line.substr(at, 2) == "//")
      break;
    if (line.substr(at, 2) == "/*") {
      in_comment = true;
      ++at;
      continue;
    }
    const char c = line[at];
    const bool digit_separator =
        c == '\'' && at > 0 && std::isalnum(static_cast<unsigned char>(line[at - 1]));
    if (c != '"' && (c != '\'' || digit_separator)) {
      out += c;
      continue;
    }
    for (++at; at < line.size() && line[at] != c; ++at)
      if (line[at] == '\\')
        ++at;
    out += c == '"' ? "\"\"" : "' '";
  }
  return out;
}

void note_include(source_file& file, std::string_view line, std::size_t number) {
  const auto start = line.find_first_not_of(" \t");
  if (start == std::string_view::npos || line.substr(start, 8) != "#include")
    return;
  const auto open = line.find_first_of("<\"", start);
  if (open == std::string_view::npos)
    return;
  const bool quoted = line[open] == '"';
  const auto close = line.find(quoted ? '"' : '>', open + 1);
  if (close != std::string_view::npos)
    file.includes.push_back({std::string{line.substr(open + 1, close - open - 1)}, quoted, number});
}

} // namespace

source_file parse_source(std::string path, std::string_view text) {
  source_file file;
  file.path = std::move(path);
  bool in_comment = false;
  while (!text.empty()) {
    const auto end = text.find('\n');
    const auto line = text.substr(0, end);
    text = end == std::string_view::npos ? std::string_view{} : text.substr(end + 1);
    file.lines.emplace_back(line);
    if (!in_comment)
      note_include(file, line, file.lines.size());
    file.code.push_back(strip(line, in_comment));
  }
  return file;
}

std::vector<source_file> read_tree(const std::string& root) {
  namespace fs = std::filesystem;
  std::vector<source_file> files;
  for (const auto top : top_folders) {
    const auto folder = fs::path{root} / top;
    if (!fs::exists(folder))
      continue;
    for (const auto& entry : fs::recursive_directory_iterator(folder)) {
      const auto kind = entry.path().extension();
      if (!entry.is_regular_file() || (kind != ".cpp" && kind != ".hpp"))
        continue;
      std::ifstream in{entry.path(), std::ios::binary};
      const std::string text{std::istreambuf_iterator<char>{in}, {}};
      files.push_back(parse_source(fs::relative(entry.path(), root).generic_string(), text));
    }
  }
  std::sort(files.begin(), files.end(),
            [](const auto& a, const auto& b) { return a.path < b.path; });
  return files;
}

bool any_prefix(std::string_view prefixes, std::string_view path) {
  while (!prefixes.empty()) {
    const auto end = prefixes.find(' ');
    const auto one = prefixes.substr(0, end);
    prefixes = end == std::string_view::npos ? std::string_view{} : prefixes.substr(end + 1);
    if (!one.empty() && path.substr(0, one.size()) == one)
      return true;
  }
  return false;
}

std::string find_cycle(const std::vector<source_file>& files) {
  std::map<std::string_view, const source_file*> by_path;
  for (const auto& file : files)
    by_path[file.path] = &file;
  enum class mark { unseen, open, done };
  std::map<std::string_view, mark> marks;
  std::vector<std::string_view> trail;
  std::function<std::string(const source_file&)> visit = [&](const source_file& file) {
    marks[file.path] = mark::open;
    trail.push_back(file.path);
    for (const auto& next : file.includes) {
      const auto found = next.quoted ? by_path.find(next.path) : by_path.end();
      if (found == by_path.end() || marks[found->first] == mark::done)
        continue;
      if (marks[found->first] == mark::open) {
        std::string text;
        for (auto at = std::find(trail.begin(), trail.end(), found->first); at != trail.end(); ++at)
          text += std::string{*at} + " -> ";
        return text + std::string{found->first};
      }
      if (auto cycle = visit(*found->second); !cycle.empty())
        return cycle;
    }
    trail.pop_back();
    marks[file.path] = mark::done;
    return std::string{};
  };
  for (const auto& file : files)
    if (marks[file.path] == mark::unseen)
      if (auto cycle = visit(file); !cycle.empty())
        return cycle;
  return {};
}

std::size_t columns(std::string_view line) {
  return static_cast<std::size_t>(std::count_if(line.begin(), line.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

} // namespace troupe::tidy

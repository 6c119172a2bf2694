#include "tests/tidy/layers.hpp"
#include "tests/tidy/tree.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>

namespace troupe::tidy {
namespace {

const std::vector<source_file>& tree() {
  static const auto files = read_tree(TROUPE_SOURCE_DIR);
  return files;
}

std::string at(const source_file& file, std::size_t line) {
  return file.path + ":" + std::to_string(line) + ": ";
}

bool in_folder(std::string_view path, std::string_view folder) {
  return path.size() > folder.size() && path.substr(0, folder.size()) == folder &&
         path[folder.size()] == '/';
}

/// The rule with the longest folder; nullptr: none.
const layer_rule* rule_of(std::string_view path) {
  const layer_rule* best = nullptr;
  for (const auto& rule : layer_rules)
    if (in_folder(path, rule.folder) && (!best || rule.folder.size() > best->folder.size()))
      best = &rule;
  return best;
}

/// A header of the standard library or of the system's C library has no folder but sys/ and such.
bool standard(std::string_view header) {
  if (any_prefix("sys/ netinet/ arpa/ linux/ bits/", header))
    return true;
  if (header.find('/') != std::string_view::npos)
    return false;
  return header.find('.') == std::string_view::npos ||
         any_prefix("unistd.h fcntl.h poll.h signal.h pthread.h dirent.h netdb.h ifaddrs.h time.h "
                    "malloc.h spawn.h termios.h sched.h errno.h string.h stdlib.h stdio.h",
                    header);
}

bool allowed_here(std::string_view path, std::string_view header) {
  return std::any_of(file_allowances.begin(), file_allowances.end(), [&](const auto& one) {
    return one.file == path && any_prefix(one.foreign, header);
  });
}

/// actors/x/y.hpp may use actors/x, api and base, never another role.
std::string why_wrong(const source_file& file, const included& header, const layer_rule& rule) {
  if (!header.quoted)
    return standard(header.path) || any_prefix(rule.foreign, header.path) ||
                   allowed_here(file.path, header.path)
               ? ""
               : "<" + header.path + "> does not belong in " + std::string{rule.folder};
  const auto role = file.path.substr(0, file.path.rfind('/'));
  if (in_folder(header.path, rule.folder) && rule.folder != "actors")
    return "";
  if (in_folder(header.path, role) || any_prefix(rule.ours, header.path))
    return "";
  return "\"" + header.path + "\" does not belong in " + std::string{rule.folder};
}

/// True where `word` stands in `line` and is not the end of a longer name.
bool has_word(std::string_view line, std::string_view word) {
  const auto name = [](char c) { return std::isalnum(static_cast<unsigned char>(c)) || c == '_'; };
  for (auto found = line.find(word); found != std::string_view::npos;
       found = line.find(word, found + 1)) {
    const bool longer_before = found > 0 && name(line[found - 1]) && name(word.front());
    const auto end = found + word.size();
    const bool longer_after = end < line.size() && name(line[end]) && name(word.back());
    if (!longer_before && !longer_after)
      return true;
  }
  return false;
}

} // namespace

TEST(Tidy, FindsTheTree) {
  EXPECT_GT(tree().size(), 20u);
}

TEST(Tidy, EveryFolderHasARuleAndKeepsIt) {
  for (const auto& file : tree()) {
    const auto* rule = rule_of(file.path);
    if (!rule) {
      ADD_FAILURE() << file.path << ": no rule for this folder in tests/tidy/layers.hpp";
      continue;
    }
    for (const auto& header : file.includes)
      if (const auto wrong = why_wrong(file, header, *rule); !wrong.empty())
        ADD_FAILURE() << at(file, header.line) << wrong;
  }
}

TEST(Tidy, NoBannedWord) {
  for (const auto& file : tree())
    for (const auto& banned : banned_words) {
      if (banned.folders.empty() ? in_folder(file.path, "tests")
                                 : !any_prefix(banned.folders, file.path))
        continue;
      for (std::size_t line = 0; line < file.code.size(); ++line)
        if (has_word(file.code[line], banned.word))
          ADD_FAILURE() << at(file, line + 1) << banned.word << ": use " << banned.instead;
    }
}

TEST(Tidy, LinesAndFilesAreShort) {
  for (const auto& file : tree()) {
    EXPECT_LE(file.lines.size(), lines_max) << file.path << " is too long";
    for (std::size_t line = 0; line < file.lines.size(); ++line) {
      EXPECT_LE(columns(file.lines[line]), columns_max) << at(file, line + 1) << "line too long";
      EXPECT_EQ(file.lines[line].find('\t'), std::string::npos) << at(file, line + 1) << "tab";
    }
  }
}

TEST(Tidy, NoIncludeCycle) {
  EXPECT_EQ(find_cycle(tree()), "");
}

TEST(Tidy, HeadersBeginWithACommentAndPragmaOnce) {
  for (const auto& file : tree()) {
    if (file.path.substr(file.path.size() - 4) != ".hpp")
      continue;
    ASSERT_FALSE(file.lines.empty()) << file.path;
    EXPECT_EQ(file.lines[0].substr(0, 2), "//") << file.path << ": say what it is for";
    EXPECT_NE(std::find(file.lines.begin(), file.lines.end(), "#pragma once"), file.lines.end())
        << file.path;
  }
}

// The checks themselves must bite.

TEST(TidyChecks, SeeWhatIsWrong) {
  const auto bad = parse_source("runtime/engine/x.cpp",
                                "#include <caf/all.hpp>\n#include \"net/http/server.hpp\"\n"
                                "#include <vector>\n#include \"runtime/base/json.hpp\"\n");
  const auto* rule = rule_of(bad.path);
  ASSERT_NE(rule, nullptr);
  std::vector<bool> wrong;
  for (const auto& header : bad.includes)
    wrong.push_back(!why_wrong(bad, header, *rule).empty());
  EXPECT_EQ(wrong, (std::vector<bool>{true, true, false, false}));
  EXPECT_EQ(rule_of("elsewhere/x.cpp"), nullptr);
  for (const auto* path : {"runtime/expr/pattern.cpp", "runtime/expr/evaluate.cpp"}) {
    const auto file = parse_source(path, "#include <re2/re2.h>\n");
    EXPECT_EQ(why_wrong(file, file.includes[0], *rule_of(path)).empty(),
              file.path == "runtime/expr/pattern.cpp");
  }
  const auto role = parse_source("actors/run/x.cpp", "#include \"actors/step/step_actor.hpp\"\n"
                                                     "#include \"actors/run/y.hpp\"\n");
  const auto* actors = rule_of(role.path);
  EXPECT_NE(why_wrong(role, role.includes[0], *actors), "");
  EXPECT_EQ(why_wrong(role, role.includes[1], *actors), "");
}

TEST(TidyChecks, WordsInCommentsAndTextsDoNotCount) {
  const auto file =
      parse_source("x.cpp", "// throw it\nlog(\"throw me\"); /* throw\nthrow */ a();\n"
                            "throw 1;\nauto n = 1'000; f(static_assert(true));\n");
  std::vector<bool> found;
  for (const auto& line : file.code)
    found.push_back(has_word(line, "throw ") || has_word(line, "assert("));
  EXPECT_EQ(found, (std::vector<bool>{false, false, false, true, false}));
}

TEST(TidyChecks, FindACycle) {
  EXPECT_EQ(find_cycle({parse_source("a.hpp", "#include \"b.hpp\"\n"),
                        parse_source("b.hpp", "#include \"a.hpp\"\n")}),
            "a.hpp -> b.hpp -> a.hpp");
}

} // namespace troupe::tidy

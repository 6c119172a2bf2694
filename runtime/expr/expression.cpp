#include "runtime/expr/expression.hpp"

#include "runtime/expr/parser.hpp"
#include "runtime/expr/text.hpp"

#include <algorithm>

namespace troupe::expr {

namespace {

using path_list = std::vector<std::vector<std::string>>;

/// Completes the paths of a finished tree, whose nodes no longer move, and collects them.
void settle(node& n, path_list& paths) {
  if (n.kind == node_kind::path) {
    n.views.assign(n.segments.begin(), n.segments.end());
    if (std::find(paths.begin(), paths.end(), n.segments) == paths.end())
      paths.push_back(n.segments);
  }
  for (node& child : n.children)
    settle(child, paths);
}

} // namespace

parsed_tree settled(node root) {
  parsed_tree out;
  auto tree = std::make_shared<node>(std::move(root));
  settle(*tree, out.paths);
  out.root = std::move(tree);
  return out;
}

result<expression> parse(std::string_view text) {
  const std::size_t column = 1 + text.size() - trimmed(text, " \t\n\r\v\f", true, false).size();
  const std::string_view whole = trimmed(text);
  std::string_view inner = whole;
  std::size_t inner_column = column;
  if (whole.starts_with("{{")) {
    const std::size_t length = find_close(whole.substr(2));
    if (length == std::string_view::npos)
      return syntax_failure(whole, 0, column, "'{{' is not closed");
    if (length + 2 != whole.size())
      return syntax_failure(whole, length + 2, column, "there is text behind '}}'");
    inner = whole.substr(2, length - 2);
    inner_column += 2;
  }
  auto tree = parse_tree(inner, inner_column);
  if (!tree)
    return std::move(tree).error();
  parsed_tree done = settled(std::move(*tree));
  expression e;
  e.root_ = std::move(done.root);
  e.paths_ = std::move(done.paths);
  e.text_ = whole;
  return e;
}

result<names::found> object_names::resolve(std::span<const std::string_view> path) const {
  found out;
  out.at = roots_.if_contains(path.front());
  out.consumed = out.at != nullptr ? 1 : 0;
  return out;
}

} // namespace troupe::expr

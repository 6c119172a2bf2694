// From words to the tree: precedence climbing.
#pragma once

#include "runtime/expr/token.hpp"
#include "runtime/expr/tree.hpp"

namespace troupe::expr {

/// Parses a whole expression without braces. `column` is where it begins, for messages.
result<node> parse_tree(std::string_view text, std::size_t column);

struct parsed_tree {
  std::shared_ptr<const node> root;
  std::vector<std::vector<std::string>> paths;
};
/// Makes a tree ready for evaluation and collects the literal paths that it reads.
parsed_tree settled(node root);

} // namespace troupe::expr

// The syntax tree of an expression. Chains of operators of one strength are one node, so that the
// depth of the tree is the nesting that the author wrote, not the length of the text.
#pragma once

#include "runtime/expr/expression.hpp"
#include "runtime/expr/functions.hpp"
#include "runtime/expr/pattern.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::expr {

enum class node_kind : std::uint8_t {
  absent,      ///< an argument that was not given
  constant,    ///< `constant`
  path,        ///< a root and literal segments: `segments`
  list,        ///< children are the elements
  dict,        ///< children alternate: key, value
  member,      ///< child 0 with the literal key `constant`
  index,       ///< child 0 at child 1
  slice,       ///< child 0 from child 1 to child 2 by child 3
  negative,    ///< minus child 0
  positive,    ///< plus child 0
  truth,       ///< truth of child 0, turned round if `flip`
  all,         ///< and: the first false child, else the last
  any,         ///< or: the first true child, else the last
  comparison,  ///< children a, b, c with operators[0] between a and b …
  arithmetic,  ///< the same, from left to right
  concat,      ///< texts of all children
  conditional, ///< value, condition, value, condition, …, otherwise (which may lack)
  call,        ///< `function` of the children
  test,        ///< `test` of the children, turned round if `flip`
};

enum class op : std::uint8_t {
  add,
  subtract,
  multiply,
  divide,
  floor_divide,
  modulo,
  power,
  equal,
  unequal,
  less,
  less_equal,
  greater,
  greater_equal,
  in,
  not_in,
};

struct node {
  node_kind kind = node_kind::absent;
  bool flip = false;
  std::uint8_t depth = 1; ///< levels of the tree below and with this node
  json::value constant;
  std::vector<std::string> segments;
  std::vector<std::string_view> views; ///< of `segments`: what names::resolve is asked
  std::vector<node> children;
  std::vector<op> operators;
  const expr::function* function = nullptr;
  const expr::test* test = nullptr;
  std::shared_ptr<const expr::pattern> pattern; ///< of a call of `regex`
};

/// Levels that a tree, and a value that an evaluation gives, may have.
constexpr std::uint8_t nesting_max = 64;
constexpr std::size_t expression_bytes_max = 16 * 1024;

} // namespace troupe::expr

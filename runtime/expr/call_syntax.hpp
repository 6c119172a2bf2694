// From a call as it is written to a node: names are looked up, keyword arguments get their places.
#pragma once

#include "runtime/expr/tree.hpp"

namespace troupe::expr {

struct call_syntax {
  std::vector<node> arguments;
  std::vector<std::string> keywords; ///< names of the last arguments
};

/// Code "expression_name" for an unknown name, "expression_syntax" for wrong arguments. Messages
/// lack the column.
result<node> resolve_call(std::string_view name, use as, call_syntax call);
result<node> resolve_test(std::string_view name, call_syntax call);

} // namespace troupe::expr

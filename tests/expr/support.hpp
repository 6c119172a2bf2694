// Short ways to evaluate text in tests.
#pragma once

#include "runtime/expr/expression.hpp"

#include <string>
#include <string_view>

namespace troupe::expr {

/// The JSON of the result, or "!" and the failure's code.
inline std::string outcome(const result<json::value>& r) {
  return r ? json::write(*r) : "!" + r.error().code;
}

inline std::string evaluated(std::string_view text, const json::object& roots = {},
                             budget spend = {}) {
  const auto parsed = parse(text);
  if (!parsed)
    return "!" + parsed.error().code;
  return outcome(evaluate(*parsed, object_names(roots), spend));
}

inline std::string rendered(const json::value& source, const json::object& roots = {},
                            budget spend = {}) {
  const auto compiled = compile(source);
  if (!compiled)
    return "!" + compiled.error().code;
  return outcome(render(*compiled, object_names(roots), spend));
}

} // namespace troupe::expr

// JSON Schema (draft 7) for data that people and workers send.
#pragma once

#include "runtime/base/json.hpp"

#include <vector>

namespace troupe::rest {

/// One complaint for every place of `data` that is not as `schema` wants it; `field` is the path
/// ("amount", "items.0.name"). Empty: all is well, or `schema` is none that can be checked: not an
/// object, malformed, or with `$ref`. `pattern` is not looked at: its cost has no bound.
std::vector<node_error> schema_complaints(const json::value& schema, const json::value& data);

} // namespace troupe::rest

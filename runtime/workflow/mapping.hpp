// Data mapping on edges (NT-33): what it says, as a template over `$json`.
#pragma once

#include "runtime/expr/expression.hpp"

#include <optional>

namespace troupe {

/// {type: DIRECT} gives nothing: the value goes through as it is.
/// {type: FIELD_MAPPING, fields: [{source, target, transform, default}], static: {…}} builds an
/// object; `fields` may also be an object from target to source. {type: TEMPLATE, template} is any
/// JSON with `{{ }}`; {type: TRANSFORM, expression} one expression. Both read `$json`. Types may be
/// in lower case. Failures have kind `invalid` and code "mapping_invalid", "regex_invalid" or
/// "expression_syntax".
result<std::optional<expr::json_template>> compile_mapping(const json::object& mapping);

/// Compiles and applies a mapping, within one turn's budget; the members of an object are names
/// too. For POST /data-mapping/test.
result<json::value> apply_mapping(const json::object& mapping, const json::value& v);

} // namespace troupe

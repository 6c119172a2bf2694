// FIELD_MAPPING as a template. Private to this folder.
#pragma once

#include "runtime/base/json.hpp"

#include <string>
#include <string_view>

namespace troupe::drafting {

/// The object, with `{{ }}` in its leaves, that the fields of a mapping describe.
result<json::value> field_mapping(const json::object& mapping);

/// "a.b[0]", "$.a['b'][0]" or "$json.a" as the expression `$json["a"]["b"][0]`, appended to `from`.
/// Wildcards, slices and filters are refused.
result<std::string> path_expression(std::string_view path, std::string from = "$json");

} // namespace troupe::drafting

// The OpenAPI 3.1 description, made from the table of routes and nothing else.
#pragma once

#include "net/rest/route.hpp"
#include "runtime/base/json.hpp"

#include <string_view>

namespace troupe::rest {

/// The whole document. Fails an invariant when a row names a schema that does not exist.
json::object openapi(std::span<const route> table, std::string_view version);

/// components.schemas by name.
const json::object& schemas();

/// The page of /docs and its script: they render /openapi.json, with nothing from elsewhere.
std::string_view docs_html() noexcept;
std::string_view docs_script() noexcept;

} // namespace troupe::rest

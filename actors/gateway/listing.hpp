// Lists out of what the engine tells about itself. Private to this folder.
#pragma once

#include "runtime/base/json.hpp"

#include <string_view>

namespace troupe::gate {

/// A list as it is, the list under `items` or `name`, or a map of objects as a list with names.
json::array items_of(const json::value& v, std::string_view name);

} // namespace troupe::gate

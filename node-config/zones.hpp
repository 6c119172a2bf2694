// Time zones of the machine.
#pragma once

#include <string_view>

namespace troupe {

/// Whether this is the name of an IANA zone that the machine has ("Europe/Berlin", "UTC").
/// Thread-safe.
bool zone_known(std::string_view name);

} // namespace troupe

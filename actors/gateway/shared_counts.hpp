// Limits by the minute hold for a cluster as for one node: each tells the others what it counted.
// Private to this folder.
#pragma once

#include "actors/gateway/core.hpp"

#include <string>
#include <string_view>

namespace troupe::gate {

enum class limited : std::uint8_t { start = 1, failed_login = 2 };

/// Counts here, and tells the other nodes, which may hear of it a moment later or, while there is
/// no connection, not at all: the limits are as exact as that. Zero: allowed; else how long to wait
/// (a failed login is always counted).
std::chrono::milliseconds count_everywhere(core& home, limited what, const std::string& address);

/// Takes in what another node has counted. False: not readable.
bool count_for_others(core& home, std::string_view bytes);

} // namespace troupe::gate

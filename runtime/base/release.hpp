// What this build calls itself towards other nodes and towards data that other builds wrote.
#pragma once

#include <cstdint>

namespace troupe {

/// Nodes whose releases differ by one work together, others refuse each other.
inline constexpr std::uint32_t release_newest = 1;

/// The newest kinds of records that this build knows. What is written is chosen by
/// replicated_log::feature_level(), which may be lower: a cluster's is that of its oldest member
/// until `troupe cluster finalize`. Raise it with every new event kind or stored format, and write
/// that only where the log's level has reached it.
inline constexpr std::uint32_t feature_level_newest = 1;

} // namespace troupe

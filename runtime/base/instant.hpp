// Points in time as the core sees them: facts that arrive in commands, never read from a clock.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// Wall-clock time, UTC, in whole milliseconds since 1970.
using instant = std::chrono::sys_time<std::chrono::milliseconds>;
using std::chrono::milliseconds;

constexpr std::int64_t to_millis(instant at) noexcept {
  return at.time_since_epoch().count();
}
constexpr instant from_millis(std::int64_t ms) noexcept {
  return instant{milliseconds{ms}};
}

/// RFC 3339 in UTC with milliseconds: "2026-11-21T03:45:00.123Z".
std::string to_text(instant at);

/// Reads RFC 3339 (an offset or Z is required; fractions are cut to milliseconds).
std::optional<instant> instant_from_text(std::string_view text);

} // namespace troupe

// Assertions that stay on in every build: a broken invariant ends the process; replay makes a
// restart safe, a wrong state written to the log does not.
#pragma once

#include <source_location>

namespace troupe {

/// Prints `why` with the place to standard error and aborts.
[[noreturn]] void invariant_broken(const char* why, const std::source_location& where) noexcept;

/// Ends the process when `condition` is false. For our own bugs only, never for foreign input.
inline void check(bool condition, const char* why,
                  const std::source_location& where = std::source_location::current()) noexcept {
  if (!condition) [[unlikely]]
    invariant_broken(why, where);
}

} // namespace troupe

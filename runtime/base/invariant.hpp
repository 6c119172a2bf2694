// Assertions that stay on in every build: a broken invariant ends the process; replay makes a
// restart safe, a wrong state written to the log does not.
#pragma once

namespace troupe {

/// Where a check stands. (clang 14 has no std::source_location with our standard library.)
struct code_place {
  const char* file = "";
  unsigned line = 0;
  static constexpr code_place current(const char* file = __builtin_FILE(),
                                      unsigned line = __builtin_LINE()) noexcept {
    return {file, line};
  }
};

/// Prints `why` with the place to standard error and aborts.
[[noreturn]] void invariant_broken(const char* why, const code_place& where) noexcept;

/// Ends the process when `condition` is false. For our own bugs only, never for foreign input.
inline void check(bool condition, const char* why,
                  const code_place& where = code_place::current()) noexcept {
  if (!condition) [[unlikely]]
    invariant_broken(why, where);
}

} // namespace troupe

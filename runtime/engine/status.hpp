// Status words of runs and steps, as API.md spells them.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe {

enum class run_status : std::uint8_t {
  pending,
  queued,
  running,
  waiting,
  paused,
  success,
  partial,
  failed,
  cancelled,
  timed_out
};
enum class step_status : std::uint8_t {
  pending,
  queued,
  running,
  retrying,
  waiting,
  success,
  failed,
  skipped,
  cancelled,
  timed_out
};

constexpr bool terminal(run_status s) noexcept {
  return s >= run_status::success;
}
constexpr bool terminal(step_status s) noexcept {
  return s >= step_status::success;
}

std::string_view to_text(run_status s) noexcept;
std::string_view to_text(step_status s) noexcept;
/// Also understands the words of other systems (COMPLETED, ERROR, CANCELED, TERMINATED …).
std::optional<run_status> run_status_from_text(std::string_view text) noexcept;
std::optional<step_status> step_status_from_text(std::string_view text) noexcept;

} // namespace troupe

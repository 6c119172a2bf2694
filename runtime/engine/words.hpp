// Words of the enumerations that are stored: events and snapshots hold text, never numbers.
#pragma once

#include "runtime/engine/state.hpp"

#include <optional>
#include <string_view>

namespace troupe::words {

std::string_view to_word(run_status v) noexcept;
std::string_view to_word(step_status v) noexcept;
std::string_view to_word(failure_outcome v) noexcept;
std::string_view to_word(skip_kind v) noexcept;
std::string_view to_word(wait_kind v) noexcept;
std::string_view to_word(timer_purpose v) noexcept;
std::string_view to_word(review_decision v) noexcept;
std::string_view to_word(resolution v) noexcept;

/// Exactly the words above: false for anything else, `v` is then unchanged.
bool from_word(std::string_view word, run_status& v) noexcept;
bool from_word(std::string_view word, step_status& v) noexcept;
bool from_word(std::string_view word, failure_outcome& v) noexcept;
bool from_word(std::string_view word, skip_kind& v) noexcept;
bool from_word(std::string_view word, wait_kind& v) noexcept;
bool from_word(std::string_view word, timer_purpose& v) noexcept;
bool from_word(std::string_view word, review_decision& v) noexcept;
bool from_word(std::string_view word, resolution& v) noexcept;

} // namespace troupe::words

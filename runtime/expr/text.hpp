// Text by code points, and case without locale.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace troupe::expr {

/// Number of code points.
std::size_t length_of(std::string_view text) noexcept;
/// The code points [from, to); `to` may lie behind the end.
std::string_view code_points(std::string_view text, std::size_t from, std::size_t to) noexcept;
/// First occurrence of `piece` at or behind byte `from`, in linear time; npos if there is none.
std::size_t find_text(std::string_view text, std::string_view piece, std::size_t from = 0) noexcept;

/// Latin, Greek and Cyrillic letters; all others stay.
std::string upper_case(std::string_view text);
std::string lower_case(std::string_view text);

/// White space of ASCII.
bool is_space(char c) noexcept;
/// Without the bytes of `set` at the ends that are asked for.
std::string_view trimmed(std::string_view text, std::string_view set = " \t\n\r\v\f",
                         bool left = true, bool right = true) noexcept;

void append_code_point(std::string& out, char32_t point);

} // namespace troupe::expr

// UTF-8 as RFC 3629 has it: no overlong forms, no surrogates, nothing above U+10FFFF.
#pragma once

#include <cstddef>
#include <string_view>

namespace troupe {

/// Bytes of the well-formed sequence that `text` begins with (1…4); 0 when there is none.
std::size_t utf8_sequence(std::string_view text) noexcept;

/// Whether all of `text` is well-formed.
bool valid_utf8(std::string_view text) noexcept;

/// Number of code points; a byte that belongs to no well-formed sequence counts as one.
std::size_t utf8_length(std::string_view text) noexcept;

} // namespace troupe

// Bytes as text: hexadecimal and base64 (RFC 4648).
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// The value of a hexadecimal digit of either case; -1: it is none.
int hex_digit(char c) noexcept;
/// Lower-case digits.
std::string to_hex(std::string_view bytes);
/// Accepts both cases; nothing when a character is no digit or the length is odd.
std::optional<std::string> from_hex(std::string_view text);

/// With padding.
std::string to_base64(std::string_view bytes);
/// The URL alphabet (- and _), without padding.
std::string to_base64url(std::string_view bytes);
/// Either alphabet, with or without padding. Nothing for foreign characters, white space included,
/// an impossible length, wrong padding or left-over bits that are not zero.
std::optional<std::string> from_base64(std::string_view text);

} // namespace troupe

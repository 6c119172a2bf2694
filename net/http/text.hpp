// Character classes and small text helpers of HTTP (RFC 9110, section 5.6). Pure.
#pragma once

#include <string>
#include <string_view>

namespace troupe::http::detail {

/// A byte of a method or header name.
bool is_token_char(char c) noexcept;
/// Not empty and nothing but token bytes.
bool is_token(std::string_view text) noexcept;
/// A byte that may stand in a header value: HTAB, SP to '~', and everything from 0x80.
bool is_value_char(char c) noexcept;

char lower(char c) noexcept;
std::string lower(std::string_view text);
bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept;
/// Without spaces and tabs at both ends.
std::string_view trimmed(std::string_view text) noexcept;

/// Cuts the next member off a comma-separated list; empty members are returned as empty.
std::string_view next_member(std::string_view& list) noexcept;
/// True when a comma-separated list has `member`, ignoring case.
bool list_has(std::string_view list, std::string_view member) noexcept;

/// True when an Accept-Encoding value allows gzip (not with q=0).
bool accepts_gzip(std::string_view accept_encoding) noexcept;

/// True for well-formed UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF.
bool is_utf8(std::string_view text) noexcept;

} // namespace troupe::http::detail

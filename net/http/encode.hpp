// Writes the head of an answer and compresses bodies. Pure but for zlib.
#pragma once

#include "net/http/server.hpp"

#include <cstdint>
#include <ctime>
#include <string>
#include <string_view>

namespace troupe::http::detail {

/// How the body follows the head.
enum class framing_kind { length, chunked, until_close, none };

struct head_style {
  framing_kind framing = framing_kind::length;
  std::uint64_t length = 0;
  bool close = false; ///< adds "Connection: close"
  bool keep_alive_1_0 = false;
};

/// Appends status line, headers, Date and the framing headers. Headers of `answer` that the server
/// owns (Content-Length, Transfer-Encoding, Connection, Date) and those that are not well-formed
/// (a CR, LF or NUL would split the answer) are left out.
void write_head(std::string& out, const response& answer, const head_style& style,
                std::string_view date);

/// The value of a Date header.
std::string date_text(std::time_t at);

/// True for statuses whose answer never has a body.
constexpr bool bodiless(unsigned status) noexcept {
  return status < 200 || status == 204 || status == 304;
}

/// Replaces the body by its gzip form when that is worth it: at least 1 KiB and at most
/// `bytes_max` of JSON or text, not encoded yet. Adds Vary wherever the choice was possible.
void compress(response& answer, bool accepted, std::size_t bytes_max);

/// The body that will be sent.
inline std::string_view body_of(const response& answer) noexcept {
  return answer.shared_body ? std::string_view{*answer.shared_body} : std::string_view{answer.body};
}

/// True when the answer itself asks to close the connection.
bool wants_close(const response& answer) noexcept;

} // namespace troupe::http::detail

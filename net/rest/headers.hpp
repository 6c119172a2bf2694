// Headers that mean something to every route, read and written in one place.
#pragma once

#include "net/http/server.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace troupe::rest {

/// X-Request-ID when it is 1…128 visible ASCII characters; else nothing.
std::optional<std::string> request_id_of(const http::request& r);

/// W3C trace context, version 00 or a later one that begins alike.
struct trace_context {
  std::string trace_id;  ///< 32 lower-case hex digits, not all zero
  std::string parent_id; ///< 16, not all zero
  std::string flags;     ///< 2
};
std::optional<trace_context> trace_of(std::string_view traceparent);

/// If-Match: nothing when absent or "*"; code "bad_if_match" (422) when it is no version.
result<std::optional<std::uint32_t>> if_match_of(const http::request& r);
/// Whether If-None-Match names this ETag (weak ones count), or is "*".
bool none_match_names(const http::request& r, std::string_view etag);
std::string etag_of(std::uint32_t version); ///< "\"3\""

/// Troupe-Position: "2:17" or a list of such. Code "bad_position" (422).
result<std::vector<std::pair<std::uint16_t, std::uint64_t>>> positions_of(const http::request& r);

/// What a body's Content-Type says. Parameters are ignored, `+json` is JSON.
enum class media : std::uint8_t { absent, json, yaml, other };
media media_of(const http::request& r);
/// Whether Accept names the type itself (not by a wildcard).
bool accepts(const http::request& r, std::string_view type);

/// The token of "Bearer TOKEN". Failures carry the exact details of the contract.
result<std::string> bearer_of(const http::request& r);

/// Which origins browsers may call from. Empty: none; "*": any.
using origin_list = std::vector<std::string>;
/// Adds Access-Control-… to an answer when the request's Origin is allowed.
void add_cors(const origin_list& allowed, const http::request& r, http::response& answer);
/// OPTIONS of a known path: 204 with Allow and, for an allowed origin, the answer to a preflight.
http::response options_answer(const origin_list& allowed, const http::request& r,
                              std::string_view allow);
/// nosniff, frame deny, no-store on the API, a content policy on pages.
void add_security(std::string_view path, http::response& answer);

bool has_header(const http::response& answer, std::string_view name) noexcept; ///< any case
void set_default(http::response& answer, std::string_view name, std::string_view value);

} // namespace troupe::rest

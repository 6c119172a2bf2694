// Reads a request target (RFC 9112, section 3.2) into a decoded path and query. Pure.
#pragma once

#include "net/http/refusal.hpp"
#include "net/http/server.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::http::detail {

/// Fills `target`, `path` and `query` of `out`. Accepts origin-form, absolute-form with http or
/// https (its authority is dropped), and "*" for OPTIONS (path "/"). Refuses with 400: other
/// forms, a fragment, bytes outside visible ASCII, invalid escapes, %00, and what does not decode
/// to UTF-8. In the query '+' is a space; in the path it is itself.
std::optional<refusal> read_target(std::string_view target, request& out);

/// Decodes %XX; empty for an invalid escape or %00.
std::optional<std::string> percent_decoded(std::string_view text, bool plus_is_space);

} // namespace troupe::http::detail

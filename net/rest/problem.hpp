// The one mapper from failures to HTTP: problem details of RFC 9457.
#pragma once

#include "net/http/server.hpp"
#include "runtime/base/result.hpp"

#include <string>
#include <string_view>

namespace troupe::rest {

/// The HTTP status of a failure.
unsigned status_of(failure_kind kind) noexcept;
/// The standard phrase: 404 → "Not Found".
std::string_view title_of(unsigned status) noexcept;

/// application/problem+json {type, title, status, detail, code, hint?, node_errors?, request_id}.
/// 401 carries WWW-Authenticate: Bearer. `status` 0: by the failure's kind.
http::response to_problem(const failure& why, std::string_view request_id, unsigned status = 0);

} // namespace troupe::rest

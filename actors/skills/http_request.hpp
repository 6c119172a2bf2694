// HTTP_REQUEST: from a step's parameters to a request, from an answer to an outcome. Pure.
#pragma once

#include "actors/api/skill.hpp"
#include "net/client/client.hpp"

#include <string>
#include <string_view>
#include <vector>

namespace troupe {

struct http_step {
  http::outgoing_request request;
  std::string host;                       ///< "host:port" as written, for the cap a host
  std::vector<unsigned> allowed_statuses; ///< successes outside of 2xx
};

/// A failure (kind invalid) names the parameter that is wrong. Adds Idempotency-Key and traceparent
/// unless the user set them.
result<http_step> make_http_step(const skill_task& task);

/// `now` is for Retry-After as a date.
attempt_outcome http_outcome(const http_step& step, result<http::incoming_response> answer,
                             instant now);

/// Retry-After: seconds or an HTTP date (IMF-fixdate). Nothing when it is neither or in the past.
std::optional<milliseconds> retry_after_of(std::string_view text, instant now);

/// Percent-encodes all but the unreserved characters of RFC 3986.
std::string percent_encode(std::string_view text);

} // namespace troupe

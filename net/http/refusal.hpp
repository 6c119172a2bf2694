// Why the server itself refuses a message: the status of the answer and the failure behind it.
#pragma once

#include "runtime/base/result.hpp"

#include <string>
#include <utility>

namespace troupe::http::detail {

/// A refusal ends the connection after its answer: the next message's start is not known.
struct refusal {
  unsigned status = 400;
  failure why;
};

inline refusal bad_request(std::string code, std::string message) {
  return {400, {failure_kind::malformed, std::move(code), std::move(message), {}, {}}};
}

inline refusal header_too_large(std::string code, std::string message) {
  return {431, {failure_kind::header_too_large, std::move(code), std::move(message), {}, {}}};
}

inline refusal over_capacity() {
  return {503,
          {failure_kind::unavailable,
           "over_capacity",
           "The node's memory budget is used up.",
           "Try again later.",
           {}}};
}

inline refusal body_too_large() {
  return {413,
          {failure_kind::too_large,
           "body_too_large",
           "The body is over the limit of this route.",
           "Send less, or use the upload route.",
           {}}};
}

} // namespace troupe::http::detail

// The reply object of one request: carries answers from any thread to the session.
#pragma once

#include "net/http/core.hpp"

#include <memory>

namespace troupe::http::detail {

class session;

/// A responder for request `number` of the session. It holds no connection open.
std::shared_ptr<responder> make_responder(std::shared_ptr<core> home, std::weak_ptr<session> to,
                                          std::uint64_t number, bool accepts_gzip);

/// What a request is answered whose handler threw or dropped its responder.
refusal internal_refusal();

} // namespace troupe::http::detail

// The life of a request, from head to handler. Private to this folder.
#pragma once

#include "actors/gateway/call.hpp"

#include <functional>
#include <memory>
#include <optional>

namespace troupe::gate {

/// Route, password, capacity, limit of the body: a response refuses the request.
std::optional<http::response> on_head(core& home, const http::request& r, std::size_t& body_limit);

/// Answers a whole request. `bounce`: see call.
void on_request(const std::shared_ptr<core>& home, http::request r,
                std::shared_ptr<http::responder> to,
                std::function<void(const failure&)> bounce = {});

/// Decodes the body and hands the call to its handler; may be done again while it is not answered.
void dispatch(const call_ptr& c);

} // namespace troupe::gate

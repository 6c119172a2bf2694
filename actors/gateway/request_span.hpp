// The span of a request that starts or changes a run. Private to this folder.
#pragma once

#include "actors/gateway/call.hpp"

#include <chrono>
#include <cstdint>

namespace troupe::gate {

/// Tells the sink, which must be there, when the request's route is one that is traced.
void trace_request(const call& c, std::uint64_t span, unsigned status,
                   std::chrono::nanoseconds took);

} // namespace troupe::gate

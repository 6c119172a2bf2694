// Lists of which every node has its own part. Private to this folder.
#pragma once

#include "actors/gateway/call.hpp"

#include <functional>

namespace troupe::gate {

/// `own` and what the other nodes answer to this request, each with its node's number as `node`. A
/// node that does not answer soon has no part. On one node, or for another node: just `own`.
void gather(const call_ptr& c, json::array own, std::function<void(json::array)> use);

} // namespace troupe::gate

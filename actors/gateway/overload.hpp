// Back-pressure at the door: what the memory budget lets in, and what a request counts as. Private
// to this folder.
#pragma once

#include "actors/gateway/call.hpp"

#include <optional>
#include <vector>

namespace troupe::gate {

/// By route: whether it lets new work in (starts, signals, retries). Outcomes, cancels and reads do
/// not: they end work or cost little.
std::vector<bool> admitting_routes(const rest::router& routes);

/// Why new work is refused now; empty: it may come, or the route lets none in.
std::optional<failure> over_capacity(core& home, std::size_t route);

/// Whether the body ends work of the node: the outcome of a task.
bool ends_work(const core& home, const http::request& head);

/// Counts a parsed body until the call ends, or until hand_over() gives it to a start.
void hold_parsed(call& c);

/// The start takes over what the request counts as. The parsed body is not needed any more, nor the
/// text, unless another node may have to be asked.
void hand_over(call& c, start_request& what);

/// About what the values of a JSON text take in memory, with the text itself.
std::size_t parsed_bytes(std::string_view text) noexcept;

} // namespace troupe::gate

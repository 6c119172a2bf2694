// Who may pass: passwords, throttles, origins. Private to this folder.
#pragma once

#include "actors/gateway/core.hpp"

#include <optional>

namespace troupe::gate {

/// Why this node serves nobody beside health and metrics; empty: it serves.
std::optional<failure> not_served(const core& home);

/// Empty: the caller may go on. Counts a wrong password against the address; an address with too
/// many of them is refused with 429 whatever it sends.
std::optional<failure> authenticate(core& home, const http::request& r,
                                    std::uint64_t& wait_seconds);

enum class socket_verdict : std::uint8_t { welcome, no_token, bad_token, throttled };
socket_verdict authenticate_socket(core& home, const http::request& r);

/// Browsers send Origin with a WebSocket: our own pages and configured origins only.
bool origin_allowed(const core& home, const http::request& r);

/// A start by this caller. Zero: go on; else how long to wait.
std::chrono::milliseconds take_start(core& home, const http::request& r);

} // namespace troupe::gate

// What the disk of this machine can do, and what a bare Beast server can: the yardsticks.
#pragma once

#include <cstdint>
#include <string>

namespace troupe::bench {

/// Appends `count` blocks of 16 KB to a file in `folder`, fdatasync after each: one line of JSON
/// with per_s, p50_ms, p99_ms; empty when the folder cannot be written.
std::string probe_disk(const std::string& folder, unsigned count);

/// A Beast server with one thread that answers every request with `body_bytes` bytes of JSON text;
/// prints its port and runs until it is killed.
int serve_hello(std::uint16_t port, std::size_t body_bytes);

} // namespace troupe::bench

// What the process uses and the server holds, as Prometheus lines.
#pragma once

#include "net/http/server.hpp"

#include <string>

namespace troupe {

/// Memory, processor time, open files and start time of this process, under the names that
/// Prometheus' own clients use. Thread-safe.
std::string process_metrics();

/// Connections of the HTTP server.
std::string server_metrics(const http::server_counters& now);

} // namespace troupe

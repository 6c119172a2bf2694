// What the process uses and the server holds, as Prometheus lines.
#pragma once

#include "net/http/server.hpp"
#include "net/provider/span_exporter.hpp"
#include "persistence/rocks/rocks_store.hpp"
#include "runtime/base/byte_budget.hpp"

#include <cstdint>
#include <string>

namespace troupe {

/// Memory, processor time, open files and start time of this process, under the names that
/// Prometheus' own clients use. Thread-safe.
std::string process_metrics();

/// What the memory budget holds, by kind, with high-water marks, and what was refused for it.
std::string budget_metrics(const byte_budget& now);

/// Bytes on disk by kind. `views_bytes`: of the view file and its journal.
std::string store_metrics(const disk_usage& now, std::uint64_t views_bytes);
/// Bytes of a file and of its journal (-wal); a file that is not there counts nothing.
std::uint64_t file_bytes(const std::string& path);

/// What became of spans.
std::string span_metrics(const otlp::span_exporter::figures& now);

/// Connections of the HTTP server.
std::string server_metrics(const http::server_counters& now);

} // namespace troupe

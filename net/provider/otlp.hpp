// OTLP/HTTP in JSON: spans as a collector of OpenTelemetry takes them. Pure.
#pragma once

#include "net/client/client.hpp"
#include "runtime/base/result.hpp"
#include "runtime/engine/span.hpp"

#include <span>
#include <string>
#include <string_view>

namespace troupe::otlp {

/// Where spans go.
struct collector {
  std::string url;    ///< ends with /v1/traces
  std::string target; ///< "host:port", as the address policy wants it
};

/// From what the operator wrote: http or https, a host, perhaps a port and a path; /v1/traces is
/// appended unless it is there. Failure: code "endpoint_invalid".
result<collector> collector_of(std::string_view endpoint);

/// One ExportTraceServiceRequest.
std::string encode(std::span<const trace_span> spans, std::string_view version);

/// Whether the collector took them; otherwise, whether it may take them a moment later (the
/// connection failed, 429, 502, 503, 504).
bool taken(const result<http::incoming_response>& answer) noexcept;
bool worth_a_retry(const result<http::incoming_response>& answer) noexcept;

} // namespace troupe::otlp

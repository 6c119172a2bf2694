#include "actors/gateway/request_counters.hpp"

#include "runtime/base/json.hpp"

#include <algorithm>

namespace troupe::gate {

void request_counters::count(std::string_view verb, std::string_view route, unsigned status,
                             std::chrono::nanoseconds took) {
  const double seconds = std::chrono::duration<double>(took).count();
  const auto bucket = std::lower_bound(bounds_seconds.begin(), bounds_seconds.end(), seconds);
  const std::lock_guard lock(mutex_);
  row& r = rows_[{std::string(verb), std::string(route)}];
  ++r.by_status[status];
  ++r.latency.buckets[static_cast<std::size_t>(bucket - bounds_seconds.begin())];
  r.latency.sum_seconds += seconds;
  ++r.latency.total;
}

std::string request_counters::text() const {
  const std::lock_guard lock(mutex_);
  std::string requests, latencies;
  for (const auto& [key, r] : rows_) {
    const std::string labels = "method=\"" + key.first + "\",route=\"" + key.second + "\"";
    for (const auto& [status, count] : r.by_status)
      requests += "troupe_http_requests_total{" + labels + ",status=\"" + std::to_string(status) +
                  "\"} " + std::to_string(count) + "\n";
    const std::string name = "troupe_http_request_seconds";
    std::uint64_t below = 0;
    for (std::size_t i = 0; i <= bounds_seconds.size(); ++i) {
      below += r.latency.buckets[i];
      std::string bound = "+Inf";
      if (i < bounds_seconds.size()) {
        bound.clear();
        json::write_number(bound, bounds_seconds[i]);
      }
      latencies +=
          name + "_bucket{" + labels + ",le=\"" + bound + "\"} " + std::to_string(below) + "\n";
    }
    latencies += name + "_sum{" + labels + "} ";
    json::write_number(latencies, r.latency.sum_seconds);
    latencies += "\n" + name + "_count{" + labels + "} " + std::to_string(r.latency.total) + "\n";
  }
  return "# HELP troupe_http_requests_total Answered requests.\n"
         "# TYPE troupe_http_requests_total counter\n" +
         requests +
         "# HELP troupe_http_request_seconds Time from the whole request to its answer.\n"
         "# TYPE troupe_http_request_seconds histogram\n" +
         latencies +
         "# HELP troupe_event_streams Server-sent event streams that are open.\n"
         "# TYPE troupe_event_streams gauge\ntroupe_event_streams " +
         std::to_string(streams_open.load()) +
         "\n# HELP troupe_websockets WebSockets that are open.\n"
         "# TYPE troupe_websockets gauge\ntroupe_websockets " +
         std::to_string(sockets_open.load()) + "\n";
}

} // namespace troupe::gate

// The gateway: HTTP and WebSocket on one side, the engine's port on the other. Plain C++, called on
// the server's io thread; the engine answers from any thread.
#pragma once

#include "actors/api/cluster_port.hpp"
#include "actors/api/engine_port.hpp"
#include "actors/api/node_link.hpp"
#include "net/http/server.hpp"
#include "runtime/base/byte_budget.hpp"
#include "runtime/engine/span.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe {

struct gateway_settings {
  std::string password;                  ///< empty: open (loopback only: node-config sees to it)
  std::vector<std::string> cors_origins; ///< empty: none; "*": any
  std::uint32_t starts_per_minute = 0;   ///< of one key or address; 0: no limit
  std::uint32_t login_failures_per_minute = 5; ///< of one address; further tries are answered 429
  std::size_t definition_bytes_max = std::size_t{10} << 20; ///< of a workflow's body; over it: 413
  std::size_t execution_cache_bytes = std::size_t{8} << 20; ///< finished executions kept as text
  std::chrono::milliseconds wait_max{300'000};              ///< of ?wait=
  std::chrono::milliseconds keep_alive{15'000}; ///< between comments of a silent event stream
  std::uint32_t socket_subscriptions_max = 256; ///< of one WebSocket
  std::string snapshot_directory; ///< where POST /system/snapshot may write; empty: nowhere
  std::string version = TROUPE_VERSION;
  byte_budget* budget = nullptr;   ///< outlives every call; empty: memory is not counted
  span_sink* spans = nullptr;      ///< takes spans of requests; outlives every call; may be empty
  node_link* link = nullptr;       ///< to other nodes; outlives every call; empty: there are none
  cluster_port* cluster = nullptr; ///< outlives every call; empty: this node is alone
  bool serves_clients = true;      ///< false: health and metrics alone
  std::chrono::milliseconds leader_wait{5'000}; ///< for somebody to lead; then 503
  /// More Prometheus lines for /metrics, from who knows the process; thread-safe; may be empty.
  std::function<std::string()> more_metrics;
};

class gateway {
public:
  virtual ~gateway() = default;
  /// For http::start_server. Stay valid after the gateway is gone, as long as the engine is there.
  virtual http::handlers handlers() = 0;
  /// Prometheus lines: requests by route and status, latencies, caches, streams. Thread-safe.
  virtual std::string metrics() const = 0;
};

/// `engine` must outlive every answer it owes and the server that holds the handlers.
std::unique_ptr<gateway> make_gateway(engine_port& engine, gateway_settings settings);

} // namespace troupe

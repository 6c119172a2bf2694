// What all requests of one gateway share. Private to this folder.
#pragma once

#include "actors/gateway/gateway.hpp"
#include "actors/gateway/request_counters.hpp"
#include "actors/gateway/run_cache.hpp"
#include "actors/gateway/ticker.hpp"
#include "net/rest/limits.hpp"
#include "net/rest/router.hpp"

#include <array>
#include <atomic>
#include <mutex>
#include <string>

namespace troupe::gate {

struct call;
using call_handler = void (*)(const std::shared_ptr<call>&);

/// Random numbers for ids; not for secrets. Thread-safe.
class random_source {
public:
  random_source();
  std::uint64_t next() noexcept;

private:
  std::atomic<std::uint64_t> state_;
};

class relay;

struct core {
  core(engine_port& port, gateway_settings how);

  engine_port& engine;
  const gateway_settings settings;
  const rest::router routes;
  std::vector<call_handler> handlers; ///< by route; empty for WebSockets
  const std::vector<bool> admitting;  ///< by route: whether it lets new work in
  const std::string description;      ///< /openapi.json
  const std::array<std::uint8_t, 32> password_digest;
  random_source random;
  run_cache cache;
  request_counters counters;
  ticker clock;
  std::shared_ptr<relay> other_nodes; ///< empty: this node is alone; set before the first request

  std::mutex limits_mutex; ///< guards the two below
  rest::token_buckets starts;
  rest::failure_counter logins;

  std::string metrics_text() const; ///< Prometheus lines of this gateway
  std::string new_request_id();
  std::string new_hex(std::size_t digits);
};

} // namespace troupe::gate

#include "actors/gateway/core.hpp"

#include "actors/gateway/call.hpp"
#include "actors/gateway/overload.hpp"
#include "actors/gateway/relay.hpp"
#include "net/rest/openapi.hpp"
#include "persistence/store/digest.hpp"
#include "runtime/base/prng.hpp"

#include <map>
#include <random>

namespace troupe::gate {

namespace {

std::vector<call_handler> bind_handlers(const rest::router& routes) {
  std::map<std::string_view, call_handler> known;
  for (const auto& part :
       {workflow_handlers(), version_handlers(), catalogue_handlers(), start_handlers(),
        execution_handlers(), review_handlers(), skill_handlers(), skill_instance_handlers(),
        worker_handlers(), job_handlers(), system_handlers(), root_handlers(), cluster_handlers()})
    known.insert(part.begin(), part.end());
  std::vector<call_handler> out;
  for (const auto& row : routes.table()) {
    const auto found = known.find(row.handler);
    check(found != known.end() || row.who == rest::access::socket, "a route without a handler");
    out.push_back(found == known.end() ? nullptr : found->second);
  }
  return out;
}

/// Where other nodes may lead, what was read here once says nothing about now.
std::size_t cache_bytes(const gateway_settings& settings) {
  return settings.link == nullptr ? settings.execution_cache_bytes : 0;
}

} // namespace

random_source::random_source() {
  std::random_device device;
  state_ = (static_cast<std::uint64_t>(device()) << 32) ^ device();
}

std::uint64_t random_source::next() noexcept {
  // SplitMix64 takes its numbers from a counter, so threads need only share the counter.
  return prng(state_.fetch_add(0x9e3779b97f4a7c15ULL, std::memory_order_relaxed)).next();
}

core::core(engine_port& port, gateway_settings how)
    : engine(port), settings(std::move(how)), routes(rest::routes()),
      handlers(bind_handlers(routes)), admitting(admitting_routes(routes)),
      description(json::write(rest::openapi(rest::routes(), settings.version))),
      password_digest(sha256(settings.password)), cache(cache_bytes(settings)),
      clock(settings.keep_alive), starts(settings.starts_per_minute),
      logins(settings.login_failures_per_minute) {}

std::string core::metrics_text() const {
  return counters.text() +
         "# HELP troupe_execution_cache_bytes Finished executions kept as text.\n"
         "# TYPE troupe_execution_cache_bytes gauge\ntroupe_execution_cache_bytes " +
         std::to_string(cache.bytes()) + "\n" +
         (other_nodes ? other_nodes->metrics_text() : std::string{});
}

std::string core::new_hex(std::size_t digits) {
  static constexpr std::string_view alphabet = "0123456789abcdef";
  std::string out;
  while (out.size() < digits) {
    auto bits = random.next();
    for (int i = 0; i < 16 && out.size() < digits; ++i, bits >>= 4)
      out += alphabet[bits & 15];
  }
  return out;
}

std::string core::new_request_id() {
  return "req_" + new_hex(24);
}

} // namespace troupe::gate

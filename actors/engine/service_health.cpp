// The health of a node's services: each by what it was last seen doing.
#include "actors/engine/node_engine.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <array>

namespace troupe {

namespace {

constexpr std::array<std::string_view, 6> services_checked{
    "gateway", "websocket", "executor", "scheduler", "store", "notification"};
constexpr milliseconds proposal_age_max{5'000};

json::value healthy(std::string_view service, json::object details) {
  return json::object{{"service", service}, {"status", "healthy"}, {"details", std::move(details)}};
}

json::value unhealthy(std::string_view service, std::string_view why, json::object details = {}) {
  details["reason"] = why;
  return json::object{
      {"service", service}, {"status", "unhealthy"}, {"details", std::move(details)}};
}

} // namespace

/// Work of partitions: what is led here must have been at it a moment ago.
json::value node_engine::partitions_health(std::string_view service) const {
  std::uint64_t led = 0;
  milliseconds longest{0};
  for (std::uint16_t p = 1; p <= deps_.settings.partitions; ++p) {
    if (!deps_.log.leads(partition_id{p}).here)
      continue;
    ++led;
    const auto silent = shared_->services.silent(service, partition_id{p});
    longest = std::max(longest, silent.value_or(service_board::silence_max + milliseconds(1)));
  }
  json::object details{{"partitions", led}, {"silent_ms", longest.count()}};
  if (longest > service_board::silence_max)
    return unhealthy(service, "a partition that this node leads does not do this work",
                     std::move(details));
  return healthy(service, std::move(details));
}

json::value node_engine::store_health() const {
  const auto log = deps_.log.queued();
  const auto age = log.proposals > 0 ? deps_.clock.elapsed() - log.oldest : milliseconds(0);
  json::object details{{"proposals", log.proposals}, {"oldest_ms", age.count()}};
  if (log.refusing)
    return unhealthy("store", "it takes no writes: the disk is nearly full", std::move(details));
  if (age > proposal_age_max)
    return unhealthy("store", "a write waits for the disk or for other nodes", std::move(details));
  return healthy("store", std::move(details));
}

/// Alerts are all that is told today: by whoever looks for them.
json::value node_engine::notification_health() const {
  const auto silent = shared_->services.silent("notification");
  const auto longest =
      2 * milliseconds(deps_.settings.retention_sweep) + service_board::silence_max;
  std::size_t open = 0;
  {
    const std::lock_guard lock(shared_->alerts_mutex);
    open = shared_->alerts.size();
  }
  json::object details{{"alerts", open}, {"channels", 0}};
  // The first look comes after a while.
  const bool waits = !silent && service_board::clock::now() - started_ < longest;
  if (shared_->services.stopped("notification") ||
      (!waits && silent.value_or(longest * 2) > longest))
    return unhealthy("notification", "nobody looks for what an operator should hear",
                     std::move(details));
  return healthy("notification", std::move(details));
}

json::value node_engine::service_health(std::string_view name) const {
  if (std::find(services_checked.begin(), services_checked.end(), name) == services_checked.end())
    return nullptr;
  if (stopping_ || !system_)
    return unhealthy(name, stopping_ ? "the node is stopping" : "the node is starting");
  if (name == "websocket")
    return shared_->services.stopped(name) ? unhealthy(name, "it takes no connections")
                                           : healthy(name, {});
  if (name == "notification")
    return notification_health();
  if (name == "store")
    return store_health();
  if (name == "gateway")
    return ready() ? healthy(name, {})
                   : unhealthy(name, "not every partition has a leader that is ready");
  return partitions_health(name);
}

json::object node_engine::services() const {
  json::object out;
  for (const auto name : services_checked) {
    auto health = service_health(name).get_object();
    health.erase("service");
    out[name] = std::move(health);
  }
  return out;
}

result<json::value> node_engine::stop_service(std::string_view service, bool on) {
  if (service != "scheduler" && service != "websocket" && service != "notification")
    return invalid("fault_unknown", "actor must be scheduler, websocket or notification");
  shared_->services.stop(service, on);
  return json::value(json::object{{"actor", service}, {"stopped", on}});
}

/// Until stop(). A partition that hangs answers nothing: that is what is looked for.
void node_engine::probe_services() {
  std::unique_lock lock(probe_mutex_);
  while (!probe_wake_.wait_for(lock, service_board::beat, [this] { return stopping_.load(); }))
    for (std::uint16_t p = 1; p < shared_->partitions.size(); ++p)
      if (deps_.log.leads(partition_id{p}).here)
        caf::anon_send(shared_->partitions[p], partition_tick{true});
}

void node_engine::end_probes() {
  {
    const std::lock_guard lock(probe_mutex_); // or it could wait just now
  }
  probe_wake_.notify_all();
  if (prober_.joinable())
    prober_.join();
}

} // namespace troupe

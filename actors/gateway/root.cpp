// Handlers at the root: health, metrics, the description, and what a client asks first.
#include "actors/gateway/call.hpp"
#include "net/rest/openapi.hpp"
#include "runtime/base/instant.hpp"

namespace troupe::gate {

namespace {

/// Why the other nodes of its cluster do not let this one in.
std::optional<failure> shut_out(const call_ptr& c) {
  const auto* cluster = c->home->settings.cluster;
  return cluster == nullptr ? std::nullopt : cluster->problem();
}

json::object health_of(const call_ptr& c, const char* status) {
  const bool ready = c->engine().ready();
  json::object details{{"ready", ready},
                       {"database", ready ? "online" : "offline"},
                       {"writable", c->engine().writable()}};
  if (const auto why = shut_out(c))
    details["cluster"] = json::object{{"code", why->code}, {"message", why->message}};
  return {{"status", status},
          {"version", json::string(c->home->settings.version)},
          {"timestamp", json::string(to_text(c->engine().now()))},
          {"details", std::move(details)}};
}

void health(const call_ptr& c) {
  const bool ready = c->engine().ready() && !shut_out(c);
  const bool writable = c->engine().writable();
  c->json(ready ? 200 : 503, health_of(c, !ready     ? "unhealthy"
                                          : writable ? "healthy"
                                                     : "degraded"));
}

void health_ready(const call_ptr& c) {
  const bool good = c->engine().ready() && c->engine().writable() && !shut_out(c);
  c->json(good ? 200 : 503, health_of(c, good ? "healthy" : "unhealthy"));
}

void health_live(const call_ptr& c) {
  c->json(200, health_of(c, "healthy"));
}

void root(const call_ptr& c) {
  c->json(200, json::object{{"name", "Troupe"},
                            {"version", json::string(c->home->settings.version)},
                            {"documentation", "/docs"},
                            {"description", "/openapi.json"},
                            {"health", "/health"}});
}

void metrics(const call_ptr& c) {
  auto text = c->engine().metrics() + c->home->metrics_text();
  if (c->home->settings.more_metrics)
    text += c->home->settings.more_metrics();
  c->send(
      {200, {{"Content-Type", "text/plain; version=0.0.4; charset=utf-8"}}, std::move(text), {}});
}

void openapi(const call_ptr& c) {
  c->json_text(200, c->home->description);
}

void docs_page(const call_ptr& c) {
  if (c->request.has_parameter("script"))
    return c->send({200,
                    {{"Content-Type", "text/javascript; charset=utf-8"}},
                    std::string(rest::docs_script()),
                    {}});
  c->send(
      {200, {{"Content-Type", "text/html; charset=utf-8"}}, std::string(rest::docs_html()), {}});
}

void auth_status(const call_ptr& c) {
  const bool on = !c->home->settings.password.empty();
  c->json(200, json::object{
                   {"auth_enabled", on},
                   {"message", on ? "Authentication is required" : "Authentication is disabled"}});
}

/// The version of others is never asked for: an installation may have no way out.
void config(const call_ptr& c) {
  const json::string version(c->home->settings.version);
  c->json(200, json::object{{"version", version},
                            {"latest", nullptr},
                            {"latestVersion", nullptr},
                            {"hasUpdate", false},
                            {"dbStatus", c->engine().ready() ? "online" : "offline"}});
}

} // namespace

std::vector<handler_row> root_handlers() {
  return {{"root", root},
          {"health", health},
          {"health_live", health_live},
          {"health_ready", health_ready},
          {"metrics", metrics},
          {"openapi", openapi},
          {"docs_page", docs_page},
          {"auth_status", auth_status},
          {"config", config}};
}

} // namespace troupe::gate

#include "node-config/health_port.hpp"

#include <string_view>
#include <utility>

namespace troupe {

namespace {

constexpr std::string_view root = "/health", api = "/api/v1/system/services/";

bool is_plain(std::string_view path) noexcept {
  return path == root || path == "/health/live" || path == "/health/ready";
}

/// The name in /health/NAME; empty: the path is another.
std::string_view service_in(std::string_view path) noexcept {
  if (is_plain(path) || !path.starts_with("/health/"))
    return {};
  const auto name = path.substr(root.size() + 1);
  return name.find('/') == std::string_view::npos ? name : std::string_view{};
}

bool served(const http::request& r) noexcept {
  const bool reads = r.verb == http::method::get || r.verb == http::method::head;
  return reads && (is_plain(r.path) || !service_in(r.path).empty());
}

failure not_there() {
  return {failure_kind::not_found,
          "route_not_found",
          "Only health checks are answered here: /health and /health/NAME of a service.",
          {},
          {}};
}

} // namespace

http::handlers health_only(http::handlers all) {
  http::handlers out;
  out.decorate = all.decorate;
  out.problem = all.problem;
  out.head = [problem = all.problem](const http::request& r,
                                     std::size_t& body_limit) -> std::optional<http::response> {
    body_limit = 1'024;
    if (served(r))
      return std::nullopt;
    return problem(r, not_there());
  };
  out.serve = [serve = all.serve](http::request r, std::shared_ptr<http::responder> to) {
    if (const auto service = service_in(r.path); !service.empty())
      r.path = std::string(api) + std::string(service) + "/health";
    r.query.clear();
    serve(std::move(r), std::move(to));
  };
  out.upgrade = [problem = all.problem](const http::request& r, std::shared_ptr<http::websocket>)
      -> std::variant<http::response, http::websocket_events> { return problem(r, not_there()); };
  return out;
}

} // namespace troupe

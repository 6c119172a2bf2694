#include "actors/gateway/socket.hpp"

#include "actors/gateway/admission.hpp"
#include "actors/gateway/call.hpp"
#include "net/rest/problem.hpp"

namespace troupe::gate {

namespace {

constexpr std::uint16_t close_missing_token = 4001, close_bad_token = 4003;

http::websocket_events turned_away(http::websocket& socket, std::uint16_t code,
                                   std::string reason) {
  socket.close(code, std::move(reason));
  return {[](std::string_view) {}, [] {}};
}

http::websocket_events counted(const std::shared_ptr<core>& home, http::websocket_events events) {
  ++home->counters.sockets_open;
  events.closed = [home, closed = std::move(events.closed)] {
    --home->counters.sockets_open;
    if (closed)
      closed();
  };
  return events;
}

} // namespace

std::variant<http::response, http::websocket_events>
on_upgrade(const std::shared_ptr<core>& home, const http::request& head,
           std::shared_ptr<http::websocket> socket) {
  const auto match = home->routes.find(head.verb, head.path);
  const bool known = match.what == rest::route_match::outcome::found &&
                     home->routes.at(match.index).who == rest::access::socket;
  if (!known)
    return rest::to_problem(
        {failure_kind::malformed, "no_websocket", "This path does not speak WebSocket.", {}, {}},
        home->new_request_id());
  if (const auto why = not_served(*home))
    return rest::to_problem(*why, home->new_request_id());
  if (!origin_allowed(*home, head))
    return rest::to_problem({failure_kind::forbidden,
                             "origin_not_allowed",
                             "This origin may not connect.",
                             "See --cors-origins.",
                             {}},
                            home->new_request_id());
  if (json::text_or(home->engine.service_health("websocket"), "status", "") == "unhealthy")
    return rest::to_problem({failure_kind::unavailable,
                             "service_stopped",
                             "The node takes no WebSocket connections now.",
                             "Try again, or read the event stream over HTTP.",
                             {}},
                            home->new_request_id());
  switch (authenticate_socket(*home, head)) {
  case socket_verdict::no_token:
    return turned_away(*socket, close_missing_token, "a token is needed");
  case socket_verdict::bad_token:
    return turned_away(*socket, close_bad_token, "the token is not valid");
  case socket_verdict::throttled:
    return rest::to_problem({failure_kind::exhausted,
                             "too_many_failures",
                             "Too many wrong passwords came from this address.",
                             "Try again in a minute.",
                             {}},
                            home->new_request_id());
  case socket_verdict::welcome: break;
  }
  if (home->routes.at(match.index).handler == "socket_worker")
    return counted(home, worker_socket(home, std::move(socket)));
  return counted(home, client_socket(home, std::move(socket)));
}

std::string to_text(const socket_message& m) {
  std::string out = R"({"method":)";
  json::write_string(out, m.method);
  out += m.error == nullptr ? R"(,"success":true)" : R"(,"success":false)";
  if (!m.channel.empty()) {
    out += R"(,"channel":)";
    json::write_string(out, m.channel);
  }
  if (m.id != nullptr) {
    out += R"(,"id":)";
    json::write(out, *m.id);
  }
  if (m.error != nullptr) {
    out += R"(,"error":)";
    json::write_string(out, m.error->message);
    out += R"(,"code":)";
    json::write_string(out, m.error->code);
  }
  if (m.data != nullptr)
    out += R"(,"data":)" + *m.data;
  out += '}';
  return out;
}

} // namespace troupe::gate

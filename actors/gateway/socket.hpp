// WebSockets: /ws for clients, /ws/worker for workers.
//
//   client → {method, data, id?}      server → {method, success, data?, channel?, error?, id?}
//
// A message that is no JSON is answered with an error, and the connection stays.
#pragma once

#include "actors/gateway/core.hpp"

namespace troupe::gate {

/// Decides about an upgrade. Without or with a wrong token the connection is accepted and closed
/// with 4001 or 4003, because browsers do not show the status of a refused upgrade.
std::variant<http::response, http::websocket_events>
on_upgrade(const std::shared_ptr<core>& home, const http::request& head,
           std::shared_ptr<http::websocket> socket);

/// One message of the server, as text.
struct socket_message {
  std::string_view method;
  std::string_view channel;          ///< empty: none
  const std::string* data = nullptr; ///< JSON text; nullptr: none
  const failure* error = nullptr;
  const json::value* id = nullptr; ///< as the client sent it
};
std::string to_text(const socket_message& m);

http::websocket_events client_socket(const std::shared_ptr<core>& home,
                                     std::shared_ptr<http::websocket> socket);
http::websocket_events worker_socket(const std::shared_ptr<core>& home,
                                     std::shared_ptr<http::websocket> socket);

} // namespace troupe::gate

// One row of the table of routes: what the router matches and what /openapi.json says about it.
#pragma once

#include "net/http/server.hpp"

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

namespace troupe::rest {

/// Who may call a route when a password is set.
enum class access : std::uint8_t {
  open,   ///< anybody
  key,    ///< needs the Authorization header
  socket, ///< WebSocket: header or `?token=`, checked at the upgrade
};

/// What a route's body may be. Limits: `body_bytes_max()`.
enum class body_kind : std::uint8_t {
  none,       ///< a body is ignored
  json,       ///< required
  optional,   ///< JSON; no body means {}
  definition, ///< a workflow as JSON or YAML; required
  execute,    ///< input of a run; no body means {}
};

/// Text of the rows is static: the table lives as long as the program.
struct route {
  http::method verb = http::method::get;
  std::string_view pattern; ///< "/api/v1/workflows/{id}/execute"
  std::string_view handler; ///< names the function of the gateway; rows may share one (aliases)
  access who = access::key;
  body_kind body = body_kind::none;
  std::string_view tag;        ///< group in the description
  std::string_view summary;    ///< one line
  std::string_view parameters; ///< query parameters: "limit cursor status"
  std::string_view request;    ///< schema of the body; empty: any object
  std::string_view answer;     ///< schema of the success; "[x]" is a list page of x; empty: any
  std::uint16_t success = 200; ///< its status
  std::string_view refusals;   ///< further statuses: "404 409 422"
};

/// Every route of the product, in the order of the description.
std::span<const route> routes();

/// "GET", "DELETE" …
std::string_view to_text(http::method verb) noexcept;

/// The largest body that a route reads, in bytes; for definitions a node may say otherwise.
constexpr std::size_t body_bytes_max(body_kind kind) noexcept {
  switch (kind) {
  case body_kind::definition: return std::size_t{10} << 20;
  case body_kind::execute: return std::size_t{16} << 20;
  default: return std::size_t{1} << 20;
  }
}

/// Unique in the table: the handler's name, with a number when several rows share it.
std::string operation_id(std::size_t index);

// Parts of the table, one a file.
std::span<const route> workflow_routes();
std::span<const route> execution_routes();
std::span<const route> skill_routes();
std::span<const route> system_routes();

} // namespace troupe::rest

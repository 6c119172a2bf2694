// WebSocket connections: the owner's thread-safe handle and the Beast stream behind it.
#pragma once

#include "net/http/core.hpp"

#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

namespace troupe::http::detail {

class websocket_session;

/// What the handlers hold. Texts sent before the handshake is done wait in the queue. Dropping it
/// does not close the connection.
class websocket_link final : public websocket, public std::enable_shared_from_this<websocket_link> {
public:
  explicit websocket_link(std::shared_ptr<core> home)
      : home_(std::move(home)), gauge_(*home_, budget_kind::streams) {}

  bool send(std::string text) override;
  void close(std::uint16_t code, std::string reason) override;

  struct farewell {
    std::uint16_t code = 1000;
    std::string reason;
  };
  /// Io thread: who sends from now on.
  void attach(std::weak_ptr<websocket_session> owner);
  /// Io thread: the connection is gone, or never came to be.
  void abandon();
  /// The next text to write; it counts as queued until the next call.
  std::optional<std::string> next();
  /// Set once close() was called or the queue ran over.
  std::optional<farewell> leaving();

private:
  void wake();

  const std::shared_ptr<core> home_;
  std::weak_ptr<websocket_session> owner_; ///< io thread only
  std::mutex mutex_;                       ///< guards all below
  std::deque<std::string> texts_;
  std::size_t queued_bytes_ = 0, in_flight_bytes_ = 0;
  bool open_ = true, scheduled_ = false;
  std::optional<farewell> farewell_;
  byte_gauge gauge_;
};

struct websocket_start {
  std::shared_ptr<core> home;
  admission slot;
  wire stream;
  request head;
  response decorated; ///< its headers go into the 101 answer
  websocket_events events;
  std::shared_ptr<websocket_link> link;
};

/// Answers the upgrade and serves the connection until it closes.
void start_websocket(websocket_start what);

} // namespace troupe::http::detail

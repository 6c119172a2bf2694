// The Beast side of a WebSocket connection. Included by .cpp files of this folder only.
#pragma once

#include "net/http/websocket_session.hpp"

#include <boost/beast/core/flat_buffer.hpp>
#include <boost/beast/websocket/stream.hpp>

namespace troupe::http::detail {

/// One read is always pending; texts are written one at a time; ends by either side's close, an
/// error, a timeout or close_now(). `events.closed` is called exactly once. Io thread only.
class websocket_session final : public connection,
                                public std::enable_shared_from_this<websocket_session> {
public:
  explicit websocket_session(websocket_start what);
  void start();
  /// Writes the next queued text, or the close frame once nothing is queued.
  void flush();

  void tick(steady_time now) override;
  void stop_soon() override;
  void close_now() override;

private:
  using stream_type = boost::beast::websocket::stream<wire, false>;
  void accepted(error_code ec);
  void read();
  void on_read(error_code ec);
  void say_goodbye(const websocket_link::farewell& what);

  std::shared_ptr<core> home_;
  admission slot_;
  stream_type stream_;
  request head_;
  response decorated_;
  websocket_events events_;
  std::shared_ptr<websocket_link> link_;
  boost::beast::flat_buffer incoming_;
  std::string outgoing_;
  bool open_ = false, writing_ = false, saying_goodbye_ = false, ended_ = false;
  steady_time deadline_ = no_deadline;
};

} // namespace troupe::http::detail

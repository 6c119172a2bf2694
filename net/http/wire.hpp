// One accepted TCP connection, plain or TLS, as a Beast stream of one concrete type, so that
// session and WebSocket are compiled once. Included by .cpp files of this folder only.
#pragma once

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/beast/core/role.hpp>

#include <memory>
#include <utility>

namespace troupe::http::detail {

namespace asio = boost::asio;
using boost::system::error_code;
using executor = asio::io_context::executor_type;
using tcp_socket = asio::basic_stream_socket<asio::ip::tcp, executor>;
using tls_socket = asio::ssl::stream<tcp_socket>;

/// Move-only. At most one read and one write at a time, from the io thread only.
class wire {
public:
  using executor_type = executor;

  wire(tcp_socket socket, asio::ssl::context* tls) {
    if (tls)
      secure_ = std::make_unique<tls_socket>(std::move(socket), *tls);
    else
      plain_ = std::make_unique<tcp_socket>(std::move(socket));
  }

  executor_type get_executor() noexcept { return socket().get_executor(); }
  tcp_socket& socket() noexcept { return secure_ ? secure_->next_layer() : *plain_; }
  tls_socket* secure() noexcept { return secure_.get(); }

  template <class Buffers, class Handler>
  void async_read_some(const Buffers& buffers, Handler&& handler) {
    if (secure_)
      secure_->async_read_some(buffers, std::forward<Handler>(handler));
    else
      plain_->async_read_some(buffers, std::forward<Handler>(handler));
  }

  template <class Buffers, class Handler>
  void async_write_some(const Buffers& buffers, Handler&& handler) {
    if (secure_)
      secure_->async_write_some(buffers, std::forward<Handler>(handler));
    else
      plain_->async_write_some(buffers, std::forward<Handler>(handler));
  }

  /// The peer reads the end of the stream; what it still sends can be read.
  void shutdown_send() noexcept {
    error_code ignored;
    socket().shutdown(asio::ip::tcp::socket::shutdown_send, ignored);
  }
  void close() noexcept {
    error_code ignored;
    socket().close(ignored);
  }

private:
  std::unique_ptr<tcp_socket> plain_;
  std::unique_ptr<tls_socket> secure_;
};

/// Beast calls these two by argument-dependent lookup when a WebSocket ends.
inline void beast_close_socket(wire& connection) {
  connection.close();
}

template <class Handler>
void async_teardown(boost::beast::role_type, wire& connection, Handler&& handler) {
  connection.shutdown_send();
  connection.close();
  asio::post(connection.get_executor(),
             [done = std::forward<Handler>(handler)]() mutable { done(error_code{}); });
}

} // namespace troupe::http::detail

#include "net/cluster/servants.hpp"

#include <caf/io/network/acceptor_impl.hpp>
#include <caf/io/network/stream_impl.hpp>

#include <fcntl.h>
#include <unistd.h>

#include <cerrno>

namespace troupe::cluster {

namespace {

namespace io_loop = caf::io::network;

/// How CAF's stream reads and writes.
class tls_policy {
public:
  explicit tls_policy(std::shared_ptr<tls_session> session) : session_(std::move(session)) {}

  io_loop::rw_state read_some(std::size_t& count, io_loop::native_socket, void* to,
                              std::size_t size) {
    return session_->read(to, size, count) == tls_outcome::failed ? io_loop::rw_state::failure
                                                                  : io_loop::rw_state::success;
  }

  io_loop::rw_state write_some(std::size_t& count, io_loop::native_socket, const void* from,
                               std::size_t size) {
    const auto outcome = session_->write(from, size, count);
    if (outcome == tls_outcome::failed)
      return io_loop::rw_state::failure;
    // "Indeterminate" ends CAF's interest in writing: the handshake goes on with what is read.
    return size == 0 ? io_loop::rw_state::indeterminate : io_loop::rw_state::success;
  }

  bool must_read_more(io_loop::native_socket, std::size_t) { return session_->has_pending(); }

private:
  std::shared_ptr<tls_session> session_;
};

class tls_scribe final : public caf::io::scribe {
public:
  tls_scribe(io_loop::default_multiplexer& loop, int socket, std::shared_ptr<tls_session> session,
             caf::io::connection_handle handle)
      : scribe(handle), session_(session), stream_(loop, socket, std::move(session)) {}

  void configure_read(caf::io::receive_policy::config config) override {
    stream_.configure_read(config);
    if (launched_)
      return;
    launched_ = true;
    stream_.start(this);
    stream_.force_empty_write(this); // begins the handshake
  }
  void ack_writes(bool enable) override { stream_.ack_writes(enable); }
  std::vector<char>& wr_buf() override { return stream_.wr_buf(); }
  std::vector<char>& rd_buf() override { return stream_.rd_buf(); }
  void flush() override { stream_.flush(this); }
  std::string addr() const override { return {}; }
  std::uint16_t port() const override { return 0; }
  void graceful_shutdown() override {
    session_->end();
    detach(&stream_.backend(), false);
  }
  void add_to_loop() override { stream_.activate(this); }
  /// The ended session fails at its next event, and that takes it out of the loop. Taken out here,
  /// a scribe that was launched in the same turn would never be freed: CAF forgets both requests.
  void remove_from_loop() override {}

private:
  bool launched_ = false;
  std::shared_ptr<tls_session> session_;
  io_loop::stream_impl<tls_policy> stream_;
};

/// Accepts until the listening socket is shut; without a free file descriptor it sheds the caller
/// with a spare one, because a connection that waits would keep the loop busy.
class accept_policy {
public:
  explicit accept_policy(std::function<void()> shut) : shut_(std::move(shut)) {}

  bool try_accept(io_loop::native_socket& accepted, io_loop::native_socket listener) {
    accepted = ::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK);
    if (accepted < 0 && (errno == EMFILE || errno == ENFILE)) {
      spare_ = socket_fd{};
      { const socket_fd shed{::accept4(listener, nullptr, nullptr, SOCK_CLOEXEC)}; }
      spare_ = open_spare();
    }
    if (accepted < 0 && errno == EINVAL)
      shut_();
    return accepted >= 0;
  }

private:
  static socket_fd open_spare() { return socket_fd{::open("/dev/null", O_RDONLY | O_CLOEXEC)}; }
  std::function<void()> shut_;
  socket_fd spare_ = open_spare();
};

class tls_doorman final : public caf::io::doorman {
public:
  tls_doorman(io_loop::default_multiplexer& loop, int socket, adopt_socket adopt)
      : doorman(io_loop::accept_hdl_from_socket(socket)), adopt_(std::move(adopt)),
        acceptor_(loop, socket, [this] {
          io_failure(&acceptor_.backend(), io_loop::operation::read);
          acceptor_.passivate();
        }) {}

  bool new_connection() override {
    socket_fd accepted{acceptor_.accepted_socket()};
    if (detached())
      return false;
    const auto handle = adopt_(std::move(accepted));
    return handle != caf::io::invalid_connection_handle &&
           doorman::new_connection(&acceptor_.backend(), handle);
  }
  void graceful_shutdown() override {
    acceptor_.graceful_shutdown();
    detach(&acceptor_.backend(), false);
  }
  void launch() override { acceptor_.start(this); }
  std::string addr() const override { return {}; }
  std::uint16_t port() const override { return 0; }
  void add_to_loop() override { acceptor_.activate(this); }
  void remove_from_loop() override {} // as with a scribe

private:
  adopt_socket adopt_;
  io_loop::acceptor_impl<accept_policy> acceptor_;
};

} // namespace

caf::io::scribe_ptr make_scribe(io_loop::default_multiplexer& loop, socket_fd socket,
                                std::shared_ptr<tls_session> session,
                                caf::io::connection_handle handle) {
  return caf::make_counted<tls_scribe>(loop, socket.release(), std::move(session), handle);
}

caf::io::doorman_ptr make_doorman(io_loop::default_multiplexer& loop, socket_fd socket,
                                  adopt_socket adopt) {
  return caf::make_counted<tls_doorman>(loop, socket.release(), std::move(adopt));
}

} // namespace troupe::cluster

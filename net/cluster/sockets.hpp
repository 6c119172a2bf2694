// TCP sockets without blocking: listening, connecting, names to addresses.
#pragma once

#include "runtime/base/result.hpp"

#include <sys/socket.h>

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

namespace troupe::cluster {

/// Owns a file descriptor.
class socket_fd {
public:
  explicit socket_fd(int fd = -1) noexcept : fd_(fd) {}
  socket_fd(socket_fd&& other) noexcept : fd_(other.release()) {}
  socket_fd& operator=(socket_fd&& other) noexcept;
  ~socket_fd();
  int get() const noexcept { return fd_; }
  bool open() const noexcept { return fd_ >= 0; }
  int release() noexcept;

private:
  int fd_;
};

struct endpoint {
  sockaddr_storage address{};
  socklen_t size = 0;
};

/// The addresses of a numeric host, at once; empty: it is a name.
std::vector<endpoint> numeric_endpoints(const std::string& host, std::uint16_t port);

struct listening {
  socket_fd socket;
  std::uint16_t port = 0;
};
/// May block while it looks up a name. Fails with kind `unavailable`, code "bind_failed".
result<listening> listen_on(const std::string& host, std::uint16_t port);

/// A socket that is connecting; its first event tells how it went.
result<socket_fd> begin_connect(const endpoint& to);

/// Looks names up on threads of their own, one a name at a time. A look-up that hangs is left
/// behind: nothing waits for it.
class resolver {
public:
  /// Called on a look-up's thread, never after ~resolver(); no endpoints: no such host.
  using answer = std::function<void(std::uint64_t token, std::vector<endpoint>)>;

  explicit resolver(answer to);
  ~resolver();
  resolver(const resolver&) = delete;
  resolver& operator=(const resolver&) = delete;

  /// False: an earlier look-up of this name still runs, or there are no threads left.
  bool resolve(std::uint64_t token, const std::string& host, std::uint16_t port);

private:
  struct shared;
  std::shared_ptr<shared> shared_;
};

} // namespace troupe::cluster

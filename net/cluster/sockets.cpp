#include "net/cluster/sockets.hpp"

#include <netdb.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <mutex>
#include <set>
#include <system_error>
#include <thread>
#include <utility>

namespace troupe::cluster {

namespace {

constexpr int backlog = 128;

std::string error_text(int error) {
  return std::generic_category().message(error);
}

std::vector<endpoint> look_up(const std::string& host, std::uint16_t port, int flags) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  hints.ai_flags = flags | AI_NUMERICSERV;
  addrinfo* found = nullptr;
  std::vector<endpoint> out;
  if (::getaddrinfo(host.empty() ? nullptr : host.c_str(), std::to_string(port).c_str(), &hints,
                    &found) != 0)
    return out;
  for (const auto* one = found; one; one = one->ai_next) {
    endpoint to;
    std::memcpy(&to.address, one->ai_addr, one->ai_addrlen);
    to.size = one->ai_addrlen;
    out.push_back(to);
  }
  ::freeaddrinfo(found);
  return out;
}

const sockaddr* plain(const endpoint& at) {
  return reinterpret_cast<const sockaddr*>(&at.address);
}

std::uint16_t bound_port(int socket) {
  endpoint at;
  at.size = sizeof at.address;
  if (::getsockname(socket, reinterpret_cast<sockaddr*>(&at.address), &at.size) != 0)
    return 0;
  return ntohs(at.address.ss_family == AF_INET6
                   ? reinterpret_cast<const sockaddr_in6*>(&at.address)->sin6_port
                   : reinterpret_cast<const sockaddr_in*>(&at.address)->sin_port);
}

/// The socket, or the reason in errno.
socket_fd try_listen(const endpoint& at) {
  socket_fd socket{::socket(at.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  const int on = 1, off = 0;
  if (socket.open() && at.address.ss_family == AF_INET6)
    ::setsockopt(socket.get(), IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
  if (!socket.open() || ::setsockopt(socket.get(), SOL_SOCKET, SO_REUSEADDR, &on, sizeof on) != 0 ||
      ::bind(socket.get(), plain(at), at.size) != 0 || ::listen(socket.get(), backlog) != 0)
    return socket_fd{};
  return socket;
}

} // namespace

socket_fd& socket_fd::operator=(socket_fd&& other) noexcept {
  std::swap(fd_, other.fd_);
  return *this;
}

socket_fd::~socket_fd() {
  if (fd_ >= 0)
    ::close(fd_);
}

int socket_fd::release() noexcept {
  return std::exchange(fd_, -1);
}

std::vector<endpoint> numeric_endpoints(const std::string& host, std::uint16_t port) {
  return look_up(host, port, AI_NUMERICHOST);
}

result<listening> listen_on(const std::string& host, std::uint16_t port) {
  const auto where = host + ":" + std::to_string(port);
  const auto failed = [&](const std::string& why) {
    return failure{failure_kind::unavailable,
                   "bind_failed",
                   "Cannot listen for other nodes on " + where + ": " + why + ".",
                   "Check the cluster's host and port.",
                   {}};
  };
  const auto endpoints = look_up(host, port, AI_PASSIVE);
  if (endpoints.empty())
    return failed("no such host");
  int error = 0;
  for (const auto& at : endpoints) {
    auto socket = try_listen(at);
    error = errno;
    if (!socket.open())
      continue;
    const auto got = bound_port(socket.get());
    return listening{std::move(socket), got};
  }
  return failed(error_text(error));
}

result<socket_fd> begin_connect(const endpoint& to) {
  const auto failed = [](int error) {
    return failure{failure_kind::unavailable,
                   "connect_failed",
                   "Cannot connect: " + error_text(error) + ".",
                   {},
                   {}};
  };
  socket_fd socket{::socket(to.address.ss_family, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0)};
  if (!socket.open() || (::connect(socket.get(), plain(to), to.size) != 0 && errno != EINPROGRESS))
    return failed(errno);
  return socket;
}

struct resolver::shared {
  std::mutex mutex;
  answer to; ///< empty: nobody listens any more
  std::set<std::string> running;
};

resolver::resolver(answer to) : shared_(std::make_shared<shared>()) {
  shared_->to = std::move(to);
}

resolver::~resolver() {
  const std::lock_guard lock(shared_->mutex);
  shared_->to = nullptr;
}

bool resolver::resolve(std::uint64_t token, const std::string& host, std::uint16_t port) {
  {
    const std::lock_guard lock(shared_->mutex);
    if (!shared_->running.insert(host).second)
      return false;
  }
  try {
    std::thread([shared = shared_, token, host, port] {
      auto found = look_up(host, port, AI_ADDRCONFIG);
      const std::lock_guard lock(shared->mutex);
      shared->running.erase(host);
      if (shared->to)
        shared->to(token, std::move(found));
    }).detach();
    return true;
  } catch (const std::system_error&) {
    const std::lock_guard lock(shared_->mutex);
    shared_->running.erase(host);
    return false;
  }
}

} // namespace troupe::cluster

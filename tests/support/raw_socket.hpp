// A blocking TCP client that sends exactly the bytes it is given, and a listener for fake servers.
#pragma once

#include <arpa/inet.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace troupe::test {

constexpr int patience_ms = 5'000;

/// Owns one socket; every wait ends after `patience_ms`.
class raw_socket {
public:
  explicit raw_socket(int fd) : fd_(fd) {}
  /// Connects to a port of 127.0.0.1.
  static raw_socket to_port(std::uint16_t port) {
    const int fd = ::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0) {
      ::close(fd);
      return raw_socket(-1);
    }
    return raw_socket(fd);
  }
  raw_socket(raw_socket&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  raw_socket& operator=(raw_socket&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~raw_socket() { close(); }

  bool connected() const { return fd_ >= 0; }
  int descriptor() const { return fd_; }
  void close() {
    if (fd_ >= 0)
      ::close(std::exchange(fd_, -1));
  }
  void end_sending() { ::shutdown(fd_, SHUT_WR); }
  /// Closes with a reset.
  void reset() {
    const linger hard{1, 0};
    ::setsockopt(fd_, SOL_SOCKET, SO_LINGER, &hard, sizeof hard);
    close();
  }
  bool send(std::string_view bytes) {
    while (!bytes.empty()) {
      const auto sent = ::send(fd_, bytes.data(), bytes.size(), MSG_NOSIGNAL);
      if (sent <= 0)
        return false;
      bytes.remove_prefix(static_cast<std::size_t>(sent));
    }
    return true;
  }
  /// Some bytes; empty at the end, an error, or after `wait_ms`.
  std::string read_some(int wait_ms = patience_ms) {
    pollfd ready{fd_, POLLIN, 0};
    if (::poll(&ready, 1, wait_ms) != 1)
      return {};
    char buffer[16384];
    const auto count = ::recv(fd_, buffer, sizeof buffer, 0);
    ended_ = ended_ || count <= 0;
    return count > 0 ? std::string(buffer, static_cast<std::size_t>(count)) : std::string();
  }
  /// Everything up to the end; `ended()` tells whether the end was really there.
  std::string read_all(int wait_ms = patience_ms) {
    std::string all;
    for (auto some = read_some(wait_ms); !some.empty(); some = read_some(wait_ms))
      all += some;
    return all;
  }
  std::string read_until(std::string_view mark) {
    while (kept_.find(mark) == std::string::npos) {
      const auto some = read_some();
      if (some.empty())
        return std::exchange(kept_, {});
      kept_ += some;
    }
    const auto end = kept_.find(mark) + mark.size();
    auto out = kept_.substr(0, end);
    kept_.erase(0, end);
    return out;
  }
  std::string read_exactly(std::size_t count) {
    while (kept_.size() < count) {
      const auto some = read_some();
      if (some.empty())
        return std::exchange(kept_, {});
      kept_ += some;
    }
    auto out = kept_.substr(0, count);
    kept_.erase(0, count);
    return out;
  }
  /// One answer with a Content-Length, head and body.
  std::string read_answer() {
    auto head = read_until("\r\n\r\n");
    const auto at = head.find("Content-Length: ");
    return at == std::string::npos ? head : head + read_exactly(std::stoul(head.substr(at + 16)));
  }
  bool ended() const { return ended_; }

private:
  int fd_;
  bool ended_ = false;
  std::string kept_;
};

/// Listens on a free port of 127.0.0.1.
class raw_listener {
public:
  raw_listener() : fd_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    ::bind(fd_, reinterpret_cast<sockaddr*>(&address), sizeof address);
    ::listen(fd_, 64);
    socklen_t size = sizeof address;
    ::getsockname(fd_, reinterpret_cast<sockaddr*>(&address), &size);
    port_ = ntohs(address.sin_port);
  }
  raw_listener(const raw_listener&) = delete;
  raw_listener& operator=(const raw_listener&) = delete;
  ~raw_listener() { ::close(fd_); }
  std::uint16_t port() const { return port_; }
  /// The next connection; not connected after `patience_ms`.
  raw_socket accept(int wait_ms = patience_ms) {
    pollfd ready{fd_, POLLIN, 0};
    return raw_socket(
        ::poll(&ready, 1, wait_ms) == 1 ? ::accept4(fd_, nullptr, nullptr, SOCK_CLOEXEC) : -1);
  }

private:
  int fd_;
  std::uint16_t port_ = 0;
};

} // namespace troupe::test

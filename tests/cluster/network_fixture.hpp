// Nodes of a cluster in one process, and a peer that says exactly what it is told.
#pragma once

#include "net/cluster/peers.hpp"
#include "net/cluster/wire.hpp"
#include "tests/cluster/credentials.hpp"
#include "tests/support/eventually.hpp"
#include "tests/support/raw_socket.hpp"

#include <openssl/ssl.h>

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

namespace troupe::test {

using namespace std::chrono_literals;
using cluster::lane;
using cluster::node_number;

/// Keeps what the network tells.
class recorder final : public cluster::peer_events {
public:
  struct message {
    node_number from;
    lane in;
    std::string bytes;
  };

  void received(node_number from, lane in, std::string bytes) override {
    if (on_received)
      return on_received(from, in, std::move(bytes));
    const std::lock_guard lock(mutex_);
    messages_.push_back({from, in, std::move(bytes)});
    trace_ += "r" + std::to_string(from);
  }
  void up(const cluster::peer_identity& peer) override {
    const std::lock_guard lock(mutex_);
    trace_ += "u" + std::to_string(peer.node);
  }
  void down(node_number peer) override {
    const std::lock_guard lock(mutex_);
    trace_ += "d" + std::to_string(peer);
  }
  void refused(node_number by, const cluster::refusal& why) override {
    const std::lock_guard lock(mutex_);
    refusals_ += std::to_string(by) + " " + why.code + ": " + why.words + "\n";
  }

  /// "1 code: words", a line for each time that a peer did not let this node in.
  std::string refusals() const {
    const std::lock_guard lock(mutex_);
    return refusals_;
  }

  std::vector<message> messages() const {
    const std::lock_guard lock(mutex_);
    return messages_;
  }
  /// "u2r2d2": up, received, down.
  std::string trace() const {
    const std::lock_guard lock(mutex_);
    return trace_;
  }
  int count(const std::string& what) const {
    const auto text = trace();
    int found = 0;
    for (auto at = text.find(what); at != std::string::npos; at = text.find(what, at + 1))
      ++found;
    return found;
  }

  /// Instead of keeping; set before messages come.
  std::function<void(node_number, lane, std::string)> on_received;

private:
  mutable std::mutex mutex_;
  std::vector<message> messages_;
  std::string trace_, refusals_;
};

inline cluster::peers_options options_of(const credential_files& files, node_number node) {
  cluster::peers_options out;
  out.authority_file = files.authority;
  out.certificate_file = files.certificate;
  out.key_file = files.key;
  out.self = {"cluster", node, "first-" + std::to_string(node),      "0.2.0",
              1,         1,    "http://node-" + std::to_string(node)};
  out.heartbeat_interval = 100ms;
  out.silence_max = 400ms;
  out.reconnect_min = 20ms;
  out.reconnect_max = 100ms;
  out.handshake_timeout = 500ms;
  return out;
}

struct node {
  explicit node(cluster::peers_options options) {
    auto started = cluster::start_peers(std::move(options), events);
    EXPECT_TRUE(started) << (started ? "" : started.error().message);
    if (started)
      net = std::move(*started);
  }
  ~node() { net.reset(); }

  cluster::peer_status status(node_number of) const {
    for (auto& one : net->status())
      if (one.address.node == of)
        return one;
    return {};
  }
  bool connected(node_number to) const { return status(to).connected; }
  bool refused(node_number by, const std::string& words) const {
    return status(by).refused.find(words) != std::string::npos;
  }

  recorder events;
  std::unique_ptr<cluster::peers> net;
};

inline cluster::peer_address at(node_number number, std::uint16_t port) {
  return {number, "127.0.0.1", port};
}
inline cluster::peer_address at(node_number number, const node& where) {
  return at(number, where.net->port());
}

inline bool linked(const node& a, node_number number_a, const node& b, node_number number_b) {
  return eventually([&] { return a.connected(number_b) && b.connected(number_a); });
}

/// A TLS client that blocks, with frames of its own choice; every wait ends after a few seconds.
class raw_peer {
public:
  /// Without files it shows no certificate.
  raw_peer(std::uint16_t port, const credential_files* files) : socket_(raw_socket::to_port(port)) {
    context_ = SSL_CTX_new(TLS_method());
    if (files) {
      SSL_CTX_use_certificate_chain_file(context_, files->certificate.c_str());
      SSL_CTX_use_PrivateKey_file(context_, files->key.c_str(), SSL_FILETYPE_PEM);
    }
    const timeval patience{5, 0};
    ::setsockopt(socket_.descriptor(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    tls_ = SSL_new(context_);
    SSL_set_fd(tls_, socket_.descriptor());
    SSL_connect(tls_); // with TLS 1.3 a refusal is seen at the first read
  }
  raw_peer(const raw_peer&) = delete;
  raw_peer& operator=(const raw_peer&) = delete;
  ~raw_peer() {
    SSL_free(tls_);
    SSL_CTX_free(context_);
  }

  bool send(const cluster::byte_buffer& bytes) {
    return SSL_write(tls_, bytes.data(), static_cast<int>(bytes.size())) > 0;
  }
  bool send_text(const std::string& bytes) { return send({bytes.begin(), bytes.end()}); }

  struct frame {
    cluster::frame_kind kind;
    std::string payload;
  };
  /// The next one that is no heartbeat; nothing: the connection ended.
  std::optional<frame> read() {
    for (;;) {
      const auto header = cluster::read_header(exactly(cluster::frame_header_bytes));
      if (!header)
        return std::nullopt;
      auto payload = exactly(header->size);
      if (header->kind != cluster::frame_kind::heartbeat)
        return frame{header->kind, std::move(payload)};
    }
  }
  /// Up to the refusal; empty: there was none.
  std::string read_refusal() {
    while (const auto one = read())
      if (one->kind == cluster::frame_kind::refuse)
        return one->payload;
    return {};
  }
  void greet(node_number as, const std::string& incarnation) {
    cluster::byte_buffer out;
    cluster::write_hello(out,
                         {cluster::wire_version, {"cluster", as, incarnation, "0.2.0", 1, 1, ""}});
    cluster::write_plain(out, cluster::frame_kind::welcome);
    send(out);
  }

private:
  std::string exactly(std::size_t count) {
    std::string out(count, '\0');
    std::size_t have = 0;
    while (have < count) {
      const int some = SSL_read(tls_, out.data() + have, static_cast<int>(count - have));
      if (some <= 0)
        return {};
      have += static_cast<std::size_t>(some);
    }
    return out;
  }

  raw_socket socket_;
  SSL_CTX* context_ = nullptr;
  SSL* tls_ = nullptr;
};

} // namespace troupe::test

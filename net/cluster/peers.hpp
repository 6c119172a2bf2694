// The other nodes of a cluster: who they are, and messages to and from them. Mutual TLS always;
// nothing of CAF leaves this folder.
#pragma once

#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe::cluster {

/// Greater than zero; never used again after a node lost its disk.
using node_number = std::uint64_t;

/// Where a node listens for its peers.
struct peer_address {
  node_number node = 0;
  std::string host;
  std::uint16_t port = 0;
  friend bool operator==(const peer_address&, const peer_address&) = default;
};

/// What a message is for. Messages of one lane between two nodes arrive in order, once or not at
/// all; a connection that breaks loses what was under way.
enum class lane : std::uint8_t {
  consensus = 1, ///< may be lost at any time
  request = 2,   ///< questions and answers between nodes
  bulk = 3,      ///< chunks of snapshots; last in line
};

/// Who this node is, as its peers are told at the beginning of every connection.
struct peer_identity {
  std::string cluster_id;
  node_number node = 0;
  std::string incarnation;         ///< of this process: differs after every start
  std::string version;             ///< "0.2.0"
  std::uint32_t release = 1;       ///< a peer one below or above is accepted, others are refused
  std::uint32_t feature_level = 1; ///< the newest that this build knows
  std::string http_url;            ///< where its clients reach it, for lists of nodes
  std::uint32_t recovery = 0;      ///< how often the cluster went on without a lost majority
  std::string store{};             ///< of the data behind it; empty: a release that did not say
  std::string lives{}; ///< incarnations that the data directory has had, comma-separated, last ones
};

/// Why a peer is not let in.
struct refusal {
  std::string code;  ///< for the peer's program; may be empty
  std::string words; ///< for people, on both sides
};

struct peers_options {
  std::string host = "127.0.0.1";                         ///< listens here
  std::uint16_t port = 0;                                 ///< 0: any free one
  std::string authority_file, certificate_file, key_file; ///< PEM; all needed
  peer_identity self;
  std::chrono::milliseconds heartbeat_interval{500};
  std::chrono::milliseconds silence_max{2'000}; ///< a peer that is silent so long is down
  std::chrono::milliseconds reconnect_min{50}, reconnect_max{2'000};
  std::chrono::milliseconds handshake_timeout{5'000};
  std::size_t unacknowledged_bytes_max = std::size_t{4} << 20; ///< on the way to one peer
  std::size_t queued_bytes_max = std::size_t{16} << 20; ///< waiting for one peer; then send() drops
  std::size_t message_bytes_max = std::size_t{2} << 20; ///< a peer that sends more is refused
  std::uint32_t connections_max = 64;
  /// Asked about every peer whose certificate and release fit, before it is let in; nothing: it
  /// may. On the network's thread; must not block. May be empty.
  std::function<std::optional<refusal>(const peer_identity&)> objects{};
};

/// Called on the network's own threads, one call at a time; must not block.
class peer_events {
public:
  virtual ~peer_events() = default;
  virtual void received(node_number from, lane in, std::string bytes) = 0;
  virtual void up(const peer_identity& peer) = 0;
  virtual void down(node_number peer) = 0;
  /// A peer does not let this node in.
  virtual void refused(node_number by, const refusal& why) { (void)by, (void)why; }
};

struct peer_status {
  peer_address address;
  bool connected = false;
  peer_identity identity; ///< of the last connection; node 0: never seen
  std::string refused;    ///< why the last attempt failed, in words; empty: it did not
  std::size_t queued_bytes = 0, unacknowledged_bytes = 0;
  std::uint64_t sent_bytes = 0, received_bytes = 0, sent_messages = 0, dropped_messages = 0;
};

/// Thread-safe. The destructor ends every connection and thread.
class peers {
public:
  virtual ~peers() = default;
  virtual std::uint16_t port() const noexcept = 0;

  /// Connects to these and lets go of others. This node itself may be among them.
  virtual void set(std::vector<peer_address> nodes) = 0;

  /// Queues a message; never blocks. False: not connected, or too much waits already: it is lost.
  virtual bool send(node_number to, lane in, std::string bytes) = 0;

  virtual std::vector<peer_status> status() const = 0;
};

/// `events` must outlive the peers. Fails with kind `unavailable`, code "bind_failed" or
/// "cluster_tls_failed" (with what is wrong with which file).
result<std::unique_ptr<peers>> start_peers(peers_options options, peer_events& events);

} // namespace troupe::cluster

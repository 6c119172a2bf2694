// The connections to all peers as one state machine: dialling with back-off, greeting, links that
// beat, credit, the end. No socket, no clock, no thread: it is told what happened and when.
#pragma once

#include "net/cluster/admission.hpp"
#include "net/cluster/peer_book.hpp"
#include "net/cluster/refusal_log.hpp"
#include "net/cluster/wire.hpp"
#include "runtime/base/prng.hpp"

#include <chrono>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

namespace troupe::cluster {

using connection_id = std::int64_t;
using steady_time = std::chrono::steady_clock::time_point;

/// What the keeper does to connections. None of these calls back.
class wires {
public:
  virtual ~wires() = default;
  /// Answered by dialled() or dial_failed() later.
  virtual void dial(std::uint64_t attempt, const peer_address& to) = 0;
  /// Bytes to be sent are appended here; flush() sends them.
  virtual byte_buffer& out(connection_id id) = 0;
  virtual void flush(connection_id id) = 0;
  /// The next data() has so many bytes exactly.
  virtual void expect(connection_id id, std::size_t bytes) = 0;
  /// At once; no closed() follows.
  virtual void close(connection_id id) = 0;
  virtual std::uint64_t received_bytes(connection_id id) = 0;
  /// The name in the peer's certificate.
  virtual std::string peer_name(connection_id id) = 0;
};

// One connection:
//   handshake --TLS is up--> greeting --both hellos and welcomes--> linked --trouble--> closed
//        |                      +--refused, or a knock-->  leaving --a second--> closed
//        +--- too late: closed
//
// Of two nodes the higher number dials the connection that becomes the link. The lower one dials as
// well, but only to knock: the higher one then dials at once instead of at the end of its back-off,
// and each of them can say why it does not come about.
class link_keeper {
public:
  link_keeper(const peers_options& options, peer_book& book, peer_events& events, wires& to,
              std::uint64_t seed);

  void peers_changed(steady_time now);
  /// Sends what waits for peers that can take it.
  void flush(steady_time now);

  /// False: nobody waits for this connection any more.
  bool dialled(std::uint64_t attempt, connection_id id);
  void dial_failed(std::uint64_t attempt, const std::string& why, steady_time now);
  void accepted(connection_id id, steady_time now);
  void established(connection_id id, steady_time now);
  void data(connection_id id, std::string_view bytes, steady_time now);
  /// Everything that was flushed is with the kernel.
  void drained(connection_id id, steady_time now);
  void closed(connection_id id, const std::string& why, steady_time now);

  /// Does what is due. `meant_for`: when it was to be called; a long delay is this node's own, and
  /// no peer is blamed for it.
  void tick(steady_time now, steady_time meant_for);
  /// When tick() is to be called at the latest.
  steady_time next() const;

private:
  enum class stage { handshake, greeting, linked, leaving };

  struct connection {
    stage at = stage::handshake;
    std::optional<node_number> dialled; ///< we dialled this node
    steady_time deadline;               ///< to be linked or gone
    std::optional<frame_header> header; ///< its payload is expected
    std::optional<peer_identity> who;   ///< its hello fitted
    bool welcomed = false;              ///< ours fitted
    // of a link
    steady_time since, heard, beat_at;
    std::uint64_t received_seen = 0, consumed = 0;
    bool drained = true;
  };

  struct peer {
    std::shared_ptr<peer_record> record;
    peer_address address;
    std::optional<connection_id> link;
    std::optional<std::uint64_t> attempt; ///< to dial it
    std::optional<connection_id> dialled; ///< the connection of the attempt, once there is one
    steady_time attempt_deadline, dial_at;
    std::chrono::milliseconds back_off{};
  };

  // link_keeper.cpp
  void dial(peer& to, steady_time now);
  void schedule_dial(peer& to, steady_time now);
  void attempt_failed(peer& to, const std::string& why, steady_time now);
  void end_attempt(peer& to);
  void link_up(connection_id id, steady_time now);
  void link_down(connection& of, const std::string& why, steady_time now);
  void forget(peer& who, steady_time now);
  void part(connection_id id, const std::string& why, steady_time now);
  void end(connection_id id, const std::string& why, steady_time now);
  void refuse(connection_id id, const refusal& why, steady_time now);
  void refuse(connection_id id, const std::string& words, steady_time now) {
    refuse(id, refusal{{}, words}, now);
  }
  void refused(connection_id id, const refusal& why, steady_time now);
  void leave(connection& one, steady_time now);
  void pump(connection_id id);
  void tick_connection(connection_id id, steady_time now, bool late);
  void tick_peer(peer& one, steady_time now);

  // link_frames.cpp
  void frame(connection_id id, frame_kind kind, std::string_view payload, steady_time now);
  void take_hello(connection_id id, std::string_view payload, steady_time now);
  void take_welcome(connection_id id, steady_time now);
  void take_batch(connection_id id, std::string_view payload, steady_time now);
  void try_link(connection_id id, steady_time now);
  bool living(const peer& one, steady_time now) const;
  std::size_t size_max(const connection& one, frame_kind kind) const noexcept;

  connection* find(connection_id id);
  peer* find_peer(node_number node);

  const peers_options& options_;
  peer_book& book_;
  peer_events& events_;
  wires& wires_;
  prng random_;
  std::map<connection_id, connection> connections_;
  std::map<node_number, peer> peers_;
  std::uint64_t last_attempt_ = 0;
  refusal_log log_;
};

} // namespace troupe::cluster

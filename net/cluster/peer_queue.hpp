// What waits to be sent to one peer and what is on the way to it: lanes, byte credit, bounds. Pure;
// not thread-safe.
#pragma once

#include "net/cluster/peers.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <string>
#include <vector>

namespace troupe::cluster {

struct queue_limits {
  std::size_t queued_bytes_max = 0;
  std::size_t unacknowledged_bytes_max = 0;
  std::size_t message_bytes_max = 0;
};

struct queued_message {
  lane in = lane::consensus;
  std::string bytes;
};

/// The messages of one batch frame, in the order in which they are sent.
struct batch {
  std::vector<queued_message> messages;
  std::size_t bytes = 0; ///< of the frame's payload
};

class peer_queue {
public:
  explicit peer_queue(const queue_limits& limits) : limits_(limits) {}

  /// False: longer than a message may be, or too much waits.
  bool push(lane in, std::string&& bytes);

  /// The next batch; empty: nothing waits, or the credit is used up. First the consensus lane, then
  /// requests, then bulk, but at least one message of each lane that waits, so that none starves.
  /// Bulk takes a quarter of the credit at most, so that it never stands long before the others. A
  /// message longer than the whole credit goes when nothing else is on the way.
  batch take();

  /// The peer has consumed so many bytes of batches since the connection began. False: it claims
  /// what cannot be.
  bool acknowledge(std::uint64_t bytes) noexcept;

  /// Forgets everything, as at the start of a connection; returns how many messages never went.
  std::size_t clear() noexcept;

  std::size_t queued_bytes() const noexcept { return queued_bytes_; }
  std::size_t unacknowledged_bytes() const noexcept { return on_the_way_; }

private:
  struct sent_batch {
    std::uint64_t end = 0; ///< bytes of all batches up to this one
    std::size_t bulk_bytes = 0;
  };
  /// False: its next message does not fit into the credit.
  bool take_lane(lane in, batch& out, std::size_t& bulk);
  bool fits(std::size_t used, std::size_t need, lane in, std::size_t bulk) const noexcept;

  queue_limits limits_;
  std::array<std::deque<std::string>, 3> waiting_;
  std::size_t queued_bytes_ = 0;
  std::deque<sent_batch> sent_;
  std::uint64_t sent_total_ = 0, acknowledged_total_ = 0;
  std::size_t on_the_way_ = 0, bulk_on_the_way_ = 0;
};

} // namespace troupe::cluster

// The peers as other threads see them: their queues and what is known of them. Thread-safe.
#pragma once

#include "net/cluster/peer_queue.hpp"

#include <map>
#include <memory>
#include <mutex>
#include <shared_mutex>

namespace troupe::cluster {

/// One peer. Everything but send() and status() is called by the network's thread.
class peer_record {
public:
  peer_record(peer_address address, const queue_limits& limits);

  bool send(lane in, std::string&& bytes);
  peer_status status() const;

  peer_address address() const;
  void move_to(const peer_address& address);
  /// From now on send() takes messages.
  void connected(const peer_identity& who);
  /// Drops what waits.
  void disconnected();
  void refused(std::string why);
  batch take();
  bool acknowledge(std::uint64_t bytes);
  void count_received(std::size_t bytes);

private:
  mutable std::mutex mutex_;
  peer_queue queue_;
  peer_status status_;
};

class peer_book {
public:
  explicit peer_book(const queue_limits& limits) : limits_(limits) {}

  /// These and no others; those that stay keep their record. The first of several with the same
  /// number counts; `self` and 0 do not.
  void set(const std::vector<peer_address>& nodes, node_number self);
  /// Null: not among them.
  std::shared_ptr<peer_record> find(node_number node) const;
  std::map<node_number, std::shared_ptr<peer_record>> all() const;

private:
  const queue_limits limits_;
  mutable std::shared_mutex mutex_;
  std::map<node_number, std::shared_ptr<peer_record>> records_;
};

} // namespace troupe::cluster

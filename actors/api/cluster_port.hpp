// What the gateway may ask of the cluster that its node belongs to.
#pragma once

#include "actors/api/engine_port.hpp"

#include <cstdint>

namespace troupe {

/// Thread-safe. Replies are called exactly once, from any thread.
class cluster_port {
public:
  virtual ~cluster_port() = default;
  virtual std::uint64_t self() const = 0;

  /// GET /system/nodes: {items: [{node, address, http_url, self, connected, voter, draining, leads,
  /// lag, version}], partitions: [{partition, leader, term, voters, applied}]}.
  virtual json::value nodes() const = 0;

  /// A new invitation: {token, expires_at}. Fails with "authority_key_missing" on a node that has
  /// no key of the cluster's authority.
  virtual void invite(reply<json::value> answer) = 0;

  /// Lets a node in: the body of POST /system/cluster/join, and its answer.
  virtual void join(json::value body, reply<json::value> answer) = 0;

  /// Moves every leadership away from a node, or lets it lead again.
  virtual void drain(std::uint64_t node, bool on, reply<json::value> answer) = 0;

  /// Takes a node out of every partition. Not the last one.
  virtual void remove(std::uint64_t node, reply<json::value> answer) = 0;
};

} // namespace troupe

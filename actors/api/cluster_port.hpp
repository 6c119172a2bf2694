// What the gateway may ask of the cluster that its node belongs to.
#pragma once

#include "actors/api/engine_port.hpp"

#include <cstdint>
#include <optional>

namespace troupe {

/// Thread-safe. Replies are called exactly once, from any thread.
class cluster_port {
public:
  virtual ~cluster_port() = default;
  virtual std::uint64_t self() const = 0;

  /// GET /system/nodes: {cluster_id, feature_level, recovery, items: [{node, address, http_url,
  /// self, connected, draining, leaving, roles, leads, lag, version, release, feature_level,
  /// refused}], partitions: [{partition, leader, term, voters, learners, commit, applied}]}.
  virtual json::value nodes() const = 0;

  /// A new invitation: {token, expires_at}. Fails with "authority_key_missing" on a node that has
  /// no key of the cluster's authority.
  virtual void invite(reply<json::value> answer) = 0;

  /// Lets a node in: the body of POST /system/cluster/join, and its answer.
  virtual void join(json::value body, reply<json::value> answer) = 0;

  /// Moves every leadership away from a node, or lets it lead again.
  virtual void drain(std::uint64_t node, bool on, reply<json::value> answer) = 0;

  /// Begins to take a node out of every partition; at the end it is off the list and told so. Fails
  /// with "last_node", "majority_needed".
  virtual void remove(std::uint64_t node, reply<json::value> answer) = 0;

  /// Raises the cluster's feature level to what all members know: {feature_level, before}. Fails
  /// with "members_behind", naming them.
  virtual void finalize(reply<json::value> answer) = 0;

  /// Why the other nodes do not let this one in; nothing: all is well.
  virtual std::optional<failure> problem() const = 0;
  /// False: the problem is for good, and no client may be served here any more.
  virtual bool member() const = 0;
};

} // namespace troupe

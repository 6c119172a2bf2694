// The members of a cluster as one document of control holds them.
#pragma once

#include "actors/api/engine_port.hpp"
#include "node-config/cluster_files.hpp"

#include <string_view>
#include <vector>

namespace troupe {

inline constexpr std::string_view cluster_collection = "cluster";
inline constexpr std::string_view members_document = "members";
inline constexpr std::string_view invitations_document = "invitations";

/// The first so many are voters of every partition; others follow.
inline constexpr std::size_t cluster_voters_max = 3;

struct cluster_member {
  cluster_peer at;
  bool draining = false; ///< leads nothing
  bool leaving = false;  ///< is taken out of every partition, and then off the list
  node_roles roles{};
  std::uint32_t release = 1, feature_level = 1; ///< that its build knows
  std::string store{}; ///< the data that belongs to its number; empty: not told yet
  std::string life{};  ///< its last incarnation; empty: not told yet
  friend bool operator==(const cluster_member&, const cluster_member&) = default;
};

/// {"format": 1, "next_node", "recovery", "members": [{node, host, port, http_url, draining,
/// leaving, roles, release, feature_level, store, life}]}
struct cluster_members {
  std::vector<cluster_member> all; ///< by number
  cluster::node_number next = 1;   ///< above every number that ever was
  std::uint64_t version = 0;       ///< of the document; 0: there is none
  std::uint32_t recovery = 0;      ///< that it was written after

  const cluster_member* find(cluster::node_number node) const noexcept;
  /// Adds the node or replaces what is known of it. False: it is known like this.
  bool put(const cluster_member& member);
  /// False: there is no such member.
  bool remove(cluster::node_number node);

  json::value to_json() const;
  /// What cannot be read counts as nobody.
  static cluster_members from(const std::optional<document>& stored);
};

} // namespace troupe

// What follows from the list of members: who votes and leads, who is let in, who may go, how far
// the feature level may rise. Pure.
#pragma once

#include "node-config/cluster_members.hpp"

#include <map>
#include <optional>
#include <set>
#include <string_view>
#include <vector>

namespace troupe {

/// What a member should be in every partition.
struct member_part {
  cluster::node_number node = 0;
  bool votes = false; ///< else it only follows
  bool leads = false;
  friend bool operator==(const member_part&, const member_part&) = default;
};
/// Without those that leave. The first members with the role engine vote, `cluster_voters_max` at
/// most; a node that is only a gateway never votes or leads.
std::vector<member_part> parts_of(const cluster_members& all);

/// Codes of refusals after which a node is no member any more, whatever it does.
inline constexpr std::string_view code_removed = "node_removed", code_left_behind = "left_behind",
                                  code_data_lost = "data_lost";
bool ends_membership(std::string_view code) noexcept;

/// Said of a node that a recovery went on without.
std::string left_behind(const std::string& who, std::uint32_t recovery);

/// Why a peer of the same cluster is not let in; nothing: it may. `recovery` and `level` are this
/// node's and the cluster's.
std::optional<cluster::refusal> member_objection(const cluster_members& all, std::uint32_t recovery,
                                                 std::uint32_t level,
                                                 const cluster::peer_identity& who);

/// Whether a node may leave: those that are connected (with this one) must be a majority of the
/// voters that stay. Fails with "node_not_found", "last_node", "majority_needed".
result<void> may_leave(const cluster_members& all, cluster::node_number node,
                       const std::set<cluster::node_number>& connected);

/// The level that all members can take, `known` (of connected nodes) before what the list says.
/// Fails with "members_behind", naming those that know less than the newest member.
result<std::uint32_t> final_level(const cluster_members& all,
                                  const std::map<cluster::node_number, std::uint32_t>& known);

} // namespace troupe

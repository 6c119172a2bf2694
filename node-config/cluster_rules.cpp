#include "node-config/cluster_rules.hpp"

#include <algorithm>

namespace troupe {

namespace {

std::string named(cluster::node_number node) {
  return "Node " + std::to_string(node);
}

constexpr const char* join_anew = " It joins again with an empty data directory.";

bool among(std::string_view list, std::string_view word) {
  for (std::size_t at = 0; at <= list.size();) {
    const auto end = std::min(list.find(',', at), list.size());
    if (list.substr(at, end - at) == word)
      return true;
    at = end + 1;
  }
  return false;
}

} // namespace

std::vector<member_part> parts_of(const cluster_members& all) {
  std::vector<member_part> out;
  std::size_t voters = 0;
  for (const auto& one : all.all) {
    if (one.leaving)
      continue;
    const bool votes = one.roles.engine && voters < cluster_voters_max;
    voters += votes ? 1 : 0;
    out.push_back({one.at.address.node, votes, votes && !one.draining});
  }
  return out;
}

bool ends_membership(std::string_view code) noexcept {
  return code == code_removed || code == code_left_behind || code == code_data_lost;
}

std::string left_behind(const std::string& who, std::uint32_t recovery) {
  return who + " was left behind: the cluster was recovered without it (recovery " +
         std::to_string(recovery) + "), and its log may say something else." + join_anew;
}

std::optional<cluster::refusal> member_objection(const cluster_members& all, std::uint32_t recovery,
                                                 std::uint32_t level,
                                                 const cluster::peer_identity& who) {
  if (who.recovery != recovery) {
    const bool peer = who.recovery < recovery;
    return cluster::refusal{peer ? std::string(code_left_behind) : std::string{},
                            left_behind(peer ? named(who.node) : "The node that was asked",
                                        std::max(recovery, who.recovery))};
  }
  const auto* known = all.find(who.node);
  if (!known && who.node < all.next && all.version > 0)
    return cluster::refusal{std::string(code_removed),
                            named(who.node) + " was removed from the cluster." + join_anew};
  if (known && !known->store.empty() && !who.store.empty() && known->store != who.store)
    return cluster::refusal{
        std::string(code_data_lost),
        named(who.node) +
            " has lost its data: what it had promised others is gone, and its number "
            "cannot be used again. Remove it." +
            join_anew};
  if (known && !known->life.empty() && !who.lives.empty() && !among(who.lives, known->life))
    return cluster::refusal{"node_copied",
                            "A later process was " + named(who.node) +
                                ": this one runs on an old copy of its data directory."};
  if (who.feature_level < level)
    return cluster::refusal{"release_unfit",
                            named(who.node) + " runs a build that knows feature level " +
                                std::to_string(who.feature_level) + "; the cluster is at " +
                                std::to_string(level) + ": start the newer release on it."};
  return std::nullopt;
}

result<void> may_leave(const cluster_members& all, cluster::node_number node,
                       const std::set<cluster::node_number>& connected) {
  if (!all.find(node))
    return failure{
        failure_kind::not_found, "node_not_found", "The cluster has no such node.", {}, {}};
  auto after = all;
  after.remove(node);
  std::size_t voters = 0, up = 0;
  for (const auto& one : parts_of(after))
    if (one.votes) {
      ++voters;
      up += connected.contains(one.node) ? 1 : 0;
    }
  if (voters == 0)
    return failure{failure_kind::conflict,
                   "last_node",
                   "The last node of a cluster cannot be removed.",
                   {},
                   {}};
  if (up * 2 > voters)
    return {};
  return failure{failure_kind::conflict,
                 "majority_needed",
                 "Only " + std::to_string(up) + " of the " + std::to_string(voters) +
                     " voting nodes that would stay can be reached, and they need a majority.",
                 "Remove those that are lost first, or start them.",
                 {}};
}

result<std::uint32_t> final_level(const cluster_members& all,
                                  const std::map<cluster::node_number, std::uint32_t>& known) {
  const auto level_of = [&](const cluster_member& one) {
    const auto at = known.find(one.at.address.node);
    return at == known.end() ? one.feature_level : at->second;
  };
  std::uint32_t newest = 0;
  for (const auto& one : all.all)
    newest = std::max(newest, level_of(one));
  std::string behind;
  for (const auto& one : all.all)
    if (level_of(one) < newest)
      behind += (behind.empty() ? "node " : ", node ") + std::to_string(one.at.address.node) +
                " knows " + std::to_string(level_of(one));
  if (behind.empty())
    return newest;
  return failure{failure_kind::conflict,
                 "members_behind",
                 "The cluster cannot go to feature level " + std::to_string(newest) + ": " +
                     behind + ".",
                 "Start the newer release on them, or remove them, then finalize again.",
                 {}};
}

} // namespace troupe

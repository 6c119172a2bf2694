#include "node-config/cluster_status.hpp"

namespace troupe {

json::value cluster_status(const cluster_files& files, std::uint32_t feature_level,
                           const cluster_members& members,
                           const std::vector<raft::partition_status>& status,
                           const std::vector<cluster::peer_status>& links) {
  json::array items, partitions;
  for (const auto& member : members.all) {
    const auto node = member.at.address.node;
    const bool self = node == files.node;
    std::uint64_t leads = 0, lag = 0;
    for (const auto& one : status) {
      leads += one.leads.leader == node ? 1 : 0;
      for (const auto& [follower, match] : one.matches)
        if (follower == node && one.last > match)
          lag += one.last - match;
    }
    json::object item{
        {"node", node},
        {"address", member.at.address.host + ":" + std::to_string(member.at.address.port)},
        {"http_url", member.at.http_url},
        {"self", self},
        {"connected", self},
        {"draining", member.draining},
        {"leaving", member.leaving},
        {"roles", to_text(member.roles)},
        {"release", member.release},
        {"feature_level", member.feature_level},
        {"leads", leads},
        {"lag", lag},
        {"version", self ? TROUPE_VERSION : ""}};
    for (const auto& one : links)
      if (one.address.node == node && !self) {
        item["connected"] = one.connected;
        item["version"] = one.identity.version;
        item["refused"] = one.refused;
        if (one.connected) {
          item["release"] = one.identity.release;
          item["feature_level"] = one.identity.feature_level;
        }
      }
    items.push_back(std::move(item));
  }
  for (const auto& one : status) {
    json::array voters, learners;
    for (const auto& m : one.members)
      (m.role == raft::member_role::voter ? voters : learners)
          .push_back(static_cast<std::uint64_t>(m.node));
    partitions.push_back(json::object{{"partition", number(one.partition)},
                                      {"leader", one.leads.leader},
                                      {"term", one.leads.term},
                                      {"voters", std::move(voters)},
                                      {"learners", std::move(learners)},
                                      {"commit", static_cast<std::uint64_t>(one.commit)},
                                      {"applied", static_cast<std::uint64_t>(one.applied)}});
  }
  return json::object{{"cluster_id", files.cluster_id},
                      {"feature_level", feature_level},
                      {"recovery", files.recovery},
                      {"items", std::move(items)},
                      {"partitions", std::move(partitions)}};
}

} // namespace troupe

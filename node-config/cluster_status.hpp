// What a node says of its cluster.
#pragma once

#include "net/cluster/peers.hpp"
#include "node-config/cluster_files.hpp"
#include "node-config/cluster_members.hpp"
#include "persistence/consensus/raft_log.hpp"

#include <vector>

namespace troupe {

/// `{cluster_id, feature_level, recovery, items: […nodes], partitions: […]}`, as GET
/// /api/v1/system/nodes answers. `lag` is counted in entries of the partitions that the answering
/// node leads.
json::value cluster_status(const cluster_files& files, std::uint32_t feature_level,
                           const cluster_members& members,
                           const std::vector<raft::partition_status>& status,
                           const std::vector<cluster::peer_status>& links);

} // namespace troupe

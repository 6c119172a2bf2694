// In a build without the library for consensus.
#include "node-config/cluster_files.hpp"
#include "node-config/cluster_node.hpp"

namespace troupe {

result<std::unique_ptr<cluster_node>> open_cluster_node(const node_settings& settings, rocks_store&,
                                                        byte_budget&) {
  const auto exists = cluster_files_exist(settings.data_dir);
  if (!exists)
    return exists.error();
  if (*exists)
    return failure{
        failure_kind::unavailable,
        "cluster_unsupported",
        "The data directory belongs to a node of a cluster, and this build serves alone.",
        "Install libraft-dev 0.22 (Debian: bookworm-backports) and build again.",
        {}};
  return std::unique_ptr<cluster_node>{};
}

} // namespace troupe

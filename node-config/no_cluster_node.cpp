// In a build without the library for consensus.
#include "node-config/cluster_files.hpp"
#include "node-config/cluster_node.hpp"
#include "node-config/cluster_recover.hpp"
#include "runtime/base/release.hpp"

namespace troupe {

namespace {

failure unsupported() {
  return {failure_kind::unavailable,
          "cluster_unsupported",
          "The data directory belongs to a node of a cluster, and this build serves alone.",
          "Install libraft-dev 0.22 (Debian: bookworm-backports) and build again.",
          {}};
}

} // namespace

result<std::unique_ptr<cluster_node>> open_cluster_node(const node_settings& settings,
                                                        rocks_store& store, byte_budget&) {
  const auto exists = cluster_files_exist(settings.data_dir);
  if (!exists)
    return exists.error();
  if (*exists)
    return unsupported();
  const auto level = settings.test_release != 0 ? settings.test_release : feature_level_newest;
  if (auto raised = store.raise_feature_level(level); !raised)
    return raised.error();
  return std::unique_ptr<cluster_node>{};
}

result<survivor> look_at_survivor(const std::string&) {
  return unsupported();
}

result<cluster_files> recover_alone(const std::string&) {
  return unsupported();
}

} // namespace troupe

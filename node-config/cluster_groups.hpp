// The log and the network of a node that is one of several.
#pragma once

#include "net/cluster/peers.hpp"
#include "node-config/cluster_files.hpp"
#include "node-config/settings.hpp"
#include "persistence/consensus/raft_log.hpp"
#include "persistence/rocks/rocks_store.hpp"

#include <memory>
#include <mutex>
#include <vector>

namespace troupe {

/// Between the log and the peers, which begin later and end earlier. Thread-safe.
class network_slot final : public raft::raft_network {
public:
  /// To be closed with nullptr before the peers end.
  void open(cluster::peers* to);
  void send(raft::node_number to, std::string bytes) override;
  void send_bulk(raft::node_number to, std::string bytes) override;
  /// False: not sent, and never will be.
  bool pass(cluster::node_number to, cluster::lane in, std::string bytes);
  std::vector<cluster::node_number> connected();

private:
  std::mutex mutex_;
  cluster::peers* to_ = nullptr;
};

/// What this build calls itself, or is told to for a test.
struct build_level {
  std::uint32_t release = release_newest, features = feature_level_newest;
};
build_level build_level_of(const node_settings& settings);

/// The node's Raft groups, one a partition. A node without peers begins them with what it stored
/// while it was alone. Fails as raft_log::open does.
result<std::unique_ptr<raft::raft_log>> open_groups(const node_settings& settings,
                                                    const cluster_files& files, rocks_store& store,
                                                    byte_budget& budget, network_slot& network);

using peer_judge = std::function<std::optional<cluster::refusal>(const cluster::peer_identity&)>;

/// Listens at the cluster's port and connects to every node in the files. The last of the files'
/// lives is this process.
result<std::unique_ptr<cluster::peers>> open_peers(const node_settings& settings,
                                                   const cluster_files& files,
                                                   cluster::peer_events& events,
                                                   peer_judge objects);

/// Takes note of a new process on these files: its life, and the data that belongs to the number.
/// Fails with "node_removed", "left_behind" or "data_lost" when this node is no member any more.
result<void> begin_life(const std::string& data_dir, const rocks_store& store,
                        cluster_files& files);

/// What this node leads goes to others before it ends, as long as there are any: waits for it, two
/// seconds at most.
void hand_over(raft::raft_log& log, std::vector<raft::wanted_member> wanted,
               cluster::node_number self, std::uint16_t partitions,
               const std::vector<cluster::peer_status>& peers);

} // namespace troupe

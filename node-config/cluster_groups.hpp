// The log and the network of a node that is one of several.
#pragma once

#include "net/cluster/peers.hpp"
#include "node-config/cluster_files.hpp"
#include "node-config/settings.hpp"
#include "persistence/consensus/raft_log.hpp"
#include "persistence/rocks/rocks_store.hpp"

#include <memory>
#include <mutex>

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

private:
  std::mutex mutex_;
  cluster::peers* to_ = nullptr;
};

/// The node's Raft groups, one a partition. A node without peers begins them with what it stored
/// while it was alone. Fails as raft_log::open does.
result<std::unique_ptr<raft::raft_log>> open_groups(const node_settings& settings,
                                                    const cluster_files& files, rocks_store& store,
                                                    byte_budget& budget, network_slot& network);

/// Listens at the cluster's port and connects to every node in the files.
result<std::unique_ptr<cluster::peers>> open_peers(const node_settings& settings,
                                                   const cluster_files& files,
                                                   cluster::peer_events& events);

} // namespace troupe

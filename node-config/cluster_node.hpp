// What a node of a cluster has beside what every node has: peers, a log with peers, members.
#pragma once

#include "actors/api/cluster_port.hpp"
#include "actors/api/node_link.hpp"
#include "node-config/settings.hpp"
#include "persistence/rocks/rocks_store.hpp"

#include <memory>
#include <string>

namespace troupe {

class cluster_node : public cluster_port {
public:
  /// What the engine uses instead of the store's own log.
  virtual replicated_log& log() = 0;
  virtual node_link& link() = 0;
  /// False for a node whose only role is engine.
  virtual bool serves_clients() const = 0;

  /// Before anybody is served: members are read from control's documents.
  virtual void attach(engine_port& engine) = 0;
  /// After that: this node announces where its clients reach it.
  virtual void start(std::string http_url) = 0;
  /// A document of control has changed.
  virtual void control_changed(const std::string& name) = 0;
  /// Before the engine goes.
  virtual void stop() = 0;
};

/// Where the data directory says that this node belongs to a cluster: opens the log and the
/// connections. nullptr: it is alone, and the directory's feature level becomes this build's.
/// `store` and `budget` outlive it.
result<std::unique_ptr<cluster_node>> open_cluster_node(const node_settings& settings,
                                                        rocks_store& store, byte_budget& budget);

} // namespace troupe

// What follows from the log on a node of a cluster, put together: lists, workflows, subscribers.
#pragma once

#include "actors/control/directory.hpp"
#include "actors/engine/gated_views.hpp"
#include "actors/engine/views_rebuild.hpp"
#include "actors/replica/replica_feed.hpp"
#include "actors/replica/run_followers.hpp"
#include "actors/replica/telling_log.hpp"

#include <memory>

namespace troupe {

/// Order: this, then the engine's shared ports with log() and lists(), the log's follow() before
/// anything is proposed, the directory's open(), start(); at the end follow(nullptr), then stop().
class following {
public:
  following(replicated_log& log, std::shared_ptr<gated_views> lists, std::uint16_t partitions);
  ~following() { stop(); }

  /// What the engine uses instead of the node's own.
  replicated_log& log() noexcept { return log_; }
  /// Outlives this object where proposals may still be answered: keep it in engine_shared::gate.
  const std::shared_ptr<replica_feed>& lists() const noexcept { return feed_; }

  /// As log_follower's; may be called before start(). Never blocks.
  void applied(partition_id partition, std::uint64_t index,
               const std::vector<std::string_view>& changed);

  /// `changed` is told the name of every document of control that was written; may be empty.
  void start(std::shared_ptr<engine_shared> shared, std::shared_ptr<directory> workflows,
             std::function<void(const std::string& name)> changed = {});
  void stop();

  /// All subscriptions of the node, wherever their runs are led.
  run_followers& subscriptions() noexcept { return *followers_; }

private:
  /// What the views may still ask while they sweep.
  struct life;

  void refresh(const std::string& name) const;
  result<void> show_all(partition_id partition);
  result<void> sweep(partition_id partition);
  view_builder builder();

  const std::shared_ptr<gated_views> gate_;
  const std::shared_ptr<run_followers> followers_;
  const std::shared_ptr<replica_feed> feed_;
  const std::shared_ptr<life> life_;
  telling_log log_;
  std::shared_ptr<engine_shared> shared_;
  std::shared_ptr<directory> workflows_;
  std::function<void(const std::string&)> changed_;
  rebuild_progress progress_;
};

} // namespace troupe

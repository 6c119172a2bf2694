// Keeps the views complete at start: a few entries from the log at once, everything else on a
// thread while the node works.
#pragma once

#include "actors/engine/gated_views.hpp"
#include "actors/engine/views_rebuild.hpp"

#include <atomic>
#include <memory>
#include <string>
#include <thread>
#include <vector>

namespace troupe {

class views_feeder {
public:
  /// `inner` are the views behind `gate`.
  views_feeder(std::shared_ptr<engine_shared> shared, gated_views& gate, views& inner)
      : shared_(std::move(shared)), gate_(gate), inner_(inner) {}
  ~views_feeder() { stop(); }

  /// Before anything is proposed. Shows what is durable and was not shown, when that is little;
  /// otherwise closes the gate, and run() does it.
  result<void> prepare();
  /// Begins what prepare() left to do; returns at once.
  void run();
  /// Ends the thread; what is not done is done after the next start.
  void stop();

  bool running() const noexcept { return running_; }
  const rebuild_progress& progress() const noexcept { return progress_; }

private:
  std::string reason_to_rebuild() const;
  result<void> catch_up(view_builder& builder);
  void rebuild();
  result<void> rebuild_all(view_builder& builder);
  result<void> close_gap(view_builder& builder);
  std::uint64_t head(std::uint16_t partition) const;

  std::shared_ptr<engine_shared> shared_;
  gated_views& gate_;
  views& inner_;
  rebuild_progress progress_;
  std::vector<std::uint64_t> from_; ///< what the pass over the rows has certainly seen
  std::string reason_;
  std::atomic<bool> running_{false}, stop_{false};
  std::thread thread_;
};

} // namespace troupe

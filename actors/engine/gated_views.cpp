#include "actors/engine/gated_views.hpp"

#include <utility>

namespace troupe {

void gated_views::drop() {
  open_.store(false, std::memory_order_release);
}

void gated_views::hold() {
  const std::lock_guard lock(mutex_);
  holding_ = true;
}

bool gated_views::open() {
  const std::lock_guard lock(mutex_);
  if (!std::exchange(holding_, false))
    return false;
  for (auto& each : held_)
    inner_.apply(each.partition, each.index, std::move(each.changes));
  held_.clear();
  held_.shrink_to_fit();
  count_ = 0;
  open_.store(true, std::memory_order_release);
  return true;
}

void gated_views::apply(partition_id partition, std::uint64_t index,
                        std::vector<view_change> changes) {
  if (is_open())
    return inner_.apply(partition, index, std::move(changes));
  const std::lock_guard lock(mutex_);
  if (is_open())
    return inner_.apply(partition, index, std::move(changes));
  if (!holding_)
    return;
  count_ += changes.size() + 1;
  if (count_ <= held_max)
    return held_.push_back({partition, index, std::move(changes)});
  holding_ = false;
  held_.clear();
  count_ = 0;
}

} // namespace troupe

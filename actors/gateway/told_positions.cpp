#include "actors/gateway/told_positions.hpp"

#include <algorithm>

namespace troupe::gate {

void told_positions::told(const position& what) {
  const std::lock_guard lock(mutex_);
  auto& at = places_[what.partition];
  at.told = std::max(at.told, what.index);
}

void told_positions::written_here(const position& what) {
  const std::lock_guard lock(mutex_);
  auto& at = places_[what.partition];
  at.told = std::max(at.told, what.index);
  at.shown = std::max(at.shown, what.index);
}

void told_positions::shown(const std::vector<position>& what) {
  const std::lock_guard lock(mutex_);
  for (const auto& each : what) {
    auto& at = places_[each.partition];
    at.shown = std::max(at.shown, each.index);
  }
}

std::vector<position> told_positions::missing(const std::vector<position>& of) const {
  std::vector<position> out;
  const std::lock_guard lock(mutex_);
  for (const auto& each : of) {
    const auto at = places_.find(each.partition);
    if (at == places_.end() ? each.index > 0 : at->second.shown < each.index)
      out.push_back(each);
  }
  return out;
}

std::vector<position> told_positions::missing() const {
  std::vector<position> out;
  const std::lock_guard lock(mutex_);
  for (const auto& [partition, at] : places_)
    if (at.shown < at.told)
      out.push_back({partition, at.told});
  return out;
}

std::uint64_t told_positions::control() const {
  const std::lock_guard lock(mutex_);
  const auto at = places_.find(partition_id{0});
  return at == places_.end() ? 0 : at->second.told;
}

} // namespace troupe::gate

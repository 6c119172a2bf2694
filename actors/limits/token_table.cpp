#include "actors/limits/token_table.hpp"

namespace troupe {

run_priority priority_from_text(std::string_view text) noexcept {
  if (text == "high")
    return run_priority::high;
  return text == "low" ? run_priority::low : run_priority::normal;
}

bool token_table::fits(const token_request& what) const {
  if (node_max_ > 0 && held_.size() >= node_max_)
    return false;
  const auto used = workflows_.find(what.workflow);
  return what.workflow_max == 0 || used == workflows_.end() ||
         used->second.running < what.workflow_max;
}

void token_table::take(const token_request& what) {
  if (!held_.emplace(what.run, what.workflow).second)
    return;
  ++workflows_[what.workflow].running;
}

bool token_table::acquire(const token_request& what) {
  if (held_.contains(what.run))
    return true;
  if (waiting_.contains(what.run))
    return false;
  // Somebody of the same workflow who waits goes first; others may only wait for their own
  // workflow.
  bool overtakes = false;
  if (what.workflow_max > 0 && !paused_)
    for (const auto& [at, other] : order_)
      overtakes = overtakes ||
                  (other.workflow == what.workflow && std::get<run_priority>(at) <= what.priority);
  if (!paused_ && !overtakes && fits(what)) {
    take(what);
    return true;
  }
  const place at{what.priority, next_++};
  order_.emplace(at, what);
  waiting_.emplace(what.run, at);
  return false;
}

void token_table::reclaim(const token_request& what) {
  if (const auto waits = waiting_.find(what.run); waits != waiting_.end()) {
    order_.erase(waits->second);
    waiting_.erase(waits);
  }
  take(what);
}

void token_table::release(const run_id& run) {
  if (const auto waits = waiting_.find(run); waits != waiting_.end()) {
    order_.erase(waits->second);
    waiting_.erase(waits);
    return;
  }
  const auto held = held_.find(run);
  if (held == held_.end())
    return;
  const auto used = workflows_.find(held->second);
  if (used != workflows_.end() && --used->second.running == 0)
    workflows_.erase(used);
  held_.erase(held);
  grant();
}

void token_table::pause(bool on) {
  if (std::exchange(paused_, on) && !on)
    grant();
}

void token_table::grant() {
  if (paused_)
    return;
  for (auto at = order_.begin(); at != order_.end();) {
    if (node_max_ > 0 && held_.size() >= node_max_)
      break;
    if (!fits(at->second)) {
      ++at;
      continue;
    }
    granted_.push_back(at->second.run);
    take(at->second);
    waiting_.erase(at->second.run);
    at = order_.erase(at);
  }
}

void token_table::repair() {
  workflows_.clear();
  for (const auto& [run, workflow] : held_)
    ++workflows_[workflow].running;
  waiting_.clear();
  for (auto at = order_.begin(); at != order_.end();) {
    if (held_.contains(at->second.run)) {
      at = order_.erase(at);
      continue;
    }
    waiting_.emplace(at->second.run, at->first);
    ++at;
  }
  std::erase_if(granted_, [this](const run_id& run) { return !held_.contains(run); });
  grant();
}

} // namespace troupe

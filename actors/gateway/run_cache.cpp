#include "actors/gateway/run_cache.hpp"

namespace troupe::gate {

namespace {
constexpr std::size_t entry_overhead = 128;
} // namespace

void run_cache::erase(std::list<entry>::iterator at) {
  bytes_ -= at->what.json->size() + entry_overhead;
  by_run_.erase(at->run);
  order_.erase(at);
}

run_cache::finding run_cache::find(const run_id& run, time now) {
  const std::lock_guard lock(mutex_);
  const auto found = by_run_.find(run);
  if (found == by_run_.end())
    return {};
  if (now - found->second->since > age_max) {
    erase(found->second);
    return {};
  }
  order_.splice(order_.begin(), order_, found->second);
  return found->second->what;
}

std::uint64_t run_cache::epoch() const {
  const std::lock_guard lock(mutex_);
  return epoch_;
}

void run_cache::put(const run_id& run, finding what, std::uint64_t epoch_before_read, time now) {
  const std::lock_guard lock(mutex_);
  const auto size = what.json->size() + entry_overhead;
  if (epoch_before_read != epoch_ || size > bytes_max_ / 4)
    return;
  if (const auto old = by_run_.find(run); old != by_run_.end())
    erase(old->second);
  while (bytes_ + size > bytes_max_)
    erase(std::prev(order_.end()));
  order_.push_front({run, std::move(what), now});
  by_run_[run] = order_.begin();
  bytes_ += size;
}

void run_cache::drop(const run_id& run) {
  const std::lock_guard lock(mutex_);
  ++epoch_;
  if (const auto old = by_run_.find(run); old != by_run_.end())
    erase(old->second);
}

std::size_t run_cache::bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

} // namespace troupe::gate

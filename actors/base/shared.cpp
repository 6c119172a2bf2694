#include "actors/api/shared.hpp"

namespace troupe {

shared_value blob_cache::find(const blob_id& id) {
  const std::lock_guard lock(mutex_);
  const auto at = by_id_.find(id);
  if (at == by_id_.end())
    return nullptr;
  newest_first_.splice(newest_first_.begin(), newest_first_, at->second);
  return at->second->value;
}

void blob_cache::keep(const blob_id& id, shared_value v, std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  if (bytes > bytes_max_ || by_id_.contains(id))
    return;
  newest_first_.push_front({id, std::move(v), bytes});
  by_id_.emplace(id, newest_first_.begin());
  bytes_ += bytes;
  while (bytes_ > bytes_max_) {
    const auto& oldest = newest_first_.back();
    bytes_ -= oldest.bytes;
    by_id_.erase(oldest.id);
    newest_first_.pop_back();
  }
}

std::uint64_t workflow_watchers::add(std::string workflow, std::shared_ptr<subscriber> who) {
  const std::unique_lock lock(mutex_);
  const auto ticket = next_++;
  watchers_[std::move(workflow)].emplace(ticket, std::move(who));
  ++count_;
  return ticket;
}

void workflow_watchers::remove(const std::string& workflow, std::uint64_t ticket) {
  const std::unique_lock lock(mutex_);
  const auto at = watchers_.find(workflow);
  if (at == watchers_.end() || at->second.erase(ticket) == 0)
    return;
  --count_;
  if (at->second.empty())
    watchers_.erase(at);
}

workflow_watchers::list workflow_watchers::of(const std::string& workflow) const {
  const std::shared_lock lock(mutex_);
  list out;
  if (const auto at = watchers_.find(workflow); at != watchers_.end())
    for (const auto& [ticket, who] : at->second)
      out.push_back(who);
  return out;
}

} // namespace troupe

#include "persistence/store/memory_store.hpp"

#include "persistence/store/refusals.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool takes(const leadership& now, const proposal& what) noexcept {
  return now.here && (what.term == 0 || what.term == now.term);
}

} // namespace

result<std::optional<std::string>> memory_store::get(table in, std::string_view key) const {
  const std::lock_guard lock(mutex_);
  const auto& from = tables_[static_cast<std::size_t>(in)];
  const auto found = from.find(key);
  return found == from.end() ? std::optional<std::string>{} : std::optional(found->second);
}

result<void> memory_store::scan(table in, std::string_view from, std::string_view to,
                                const row_visitor& each, bool reverse) const {
  std::vector<std::pair<std::string, std::string>> seen;
  {
    // A copy, like a snapshot: `each` may read or propose.
    const std::lock_guard lock(mutex_);
    const auto& rows_of = tables_[static_cast<std::size_t>(in)];
    for (auto row = rows_of.lower_bound(from);
         row != rows_of.end() && (to.empty() || row->first < to); ++row)
      seen.emplace_back(*row);
  }
  if (reverse)
    std::reverse(seen.begin(), seen.end());
  for (const auto& [key, value] : seen)
    if (!each(key, value))
      break;
  return {};
}

void memory_store::propose(proposal what, proposal_done done) {
  bool at_once = false;
  std::optional<failure> refusal;
  {
    const std::lock_guard lock(mutex_);
    at_once = at_once_;
    if (closed_)
      refusal = shutting_down();
    else if (const auto at = leaders_.find(what.partition);
             at != leaders_.end() && !takes(at->second, what))
      refusal = not_leader(at->second);
    else
      queue_.emplace_back(std::move(what), std::move(done));
  }
  if (refusal)
    done(*refusal);
  else if (at_once)
    commit_all();
}

std::uint64_t memory_store::applied(partition_id partition) const {
  return head(partition).applied;
}

replicated_log::queue_size memory_store::queued() const {
  const std::lock_guard lock(mutex_);
  queue_size size{queue_.size(), 0};
  for (const auto& waiting : queue_)
    size.bytes += size_of(waiting.first);
  return size;
}

void memory_store::trim_log(partition_id partition, std::uint64_t up_to_index) {
  if (up_to_index < UINT64_MAX)
    load({{table::log, log_key(partition, 0), std::nullopt, log_key(partition, up_to_index + 1)}});
}

std::size_t memory_store::commit_all() {
  std::vector<std::pair<proposal, proposal_done>> batch;
  std::vector<std::uint64_t> indices;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(queue_);
    entry_assembler entries([this](partition_id partition) { return heads_[partition]; },
                            [this](table in, std::string_view key, const row_change* how,
                                   std::string_view value) { change(in, key, how, value); });
    for (const auto& waiting : batch) {
      const bool fails = failing_ > 0;
      failing_ -= fails ? 1 : 0;
      indices.push_back(fails ? 0 : entries.add(waiting.first));
    }
    for (const auto& [partition, head] : entries.finish())
      heads_[partition] = head;
  }
  for (std::size_t i = 0; i < batch.size(); ++i)
    batch[i].second(indices[i] == 0 ? result<std::uint64_t>(storage_full())
                                    : result<std::uint64_t>(indices[i]));
  return batch.size();
}

void memory_store::commit_at_once(bool on) {
  {
    const std::lock_guard lock(mutex_);
    at_once_ = on;
  }
  if (on)
    commit_all(); // what came before would wait for the next proposal
}

void memory_store::fail_next(std::size_t count) {
  const std::lock_guard lock(mutex_);
  failing_ = count;
}

void memory_store::close() {
  std::vector<std::pair<proposal, proposal_done>> batch;
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    batch.swap(queue_);
  }
  for (auto& waiting : batch)
    waiting.second(shutting_down());
}

leadership memory_store::leads(partition_id partition) const {
  const std::lock_guard lock(mutex_);
  const auto at = leaders_.find(partition);
  return at == leaders_.end() ? leadership{} : at->second;
}

bool memory_store::may_act(partition_id partition, std::uint64_t term) const {
  const auto now = leads(partition);
  const std::lock_guard lock(mutex_);
  return !isolated_ && now.here && now.term == term;
}

void memory_store::follow(log_follower* who) {
  const std::lock_guard lock(mutex_);
  follower_ = who;
}

void memory_store::elect(partition_id partition, const leadership& now) {
  std::vector<proposal_done> lost;
  log_follower* told = nullptr;
  {
    const std::lock_guard lock(mutex_);
    leaders_[partition] = now;
    std::erase_if(queue_, [&](auto& waiting) {
      if (waiting.first.partition != partition || takes(now, waiting.first))
        return false;
      lost.push_back(std::move(waiting.second));
      return true;
    });
    told = follower_;
  }
  for (auto& done : lost)
    done(leadership_lost());
  if (told)
    told->led(partition, now);
}

void memory_store::isolate(bool on) {
  const std::lock_guard lock(mutex_);
  isolated_ = on;
}

void memory_store::replicate(const proposal& what) {
  std::uint64_t index = 0;
  log_follower* told = nullptr;
  {
    const std::lock_guard lock(mutex_);
    entry_assembler entries([this](partition_id partition) { return heads_[partition]; },
                            [this](table in, std::string_view key, const row_change* how,
                                   std::string_view value) { change(in, key, how, value); });
    index = entries.add(what);
    for (const auto& [partition, head] : entries.finish())
      heads_[partition] = head;
    told = follower_;
  }
  if (told)
    told->applied(what.partition, index, {what.changed});
}

log_head memory_store::head(partition_id partition) const {
  const std::lock_guard lock(mutex_);
  const auto found = heads_.find(partition);
  return found == heads_.end() ? log_head{} : found->second;
}

void memory_store::load(const std::vector<row_change>& rows_to_put) {
  const std::lock_guard lock(mutex_);
  for (const auto& row : rows_to_put)
    change(row.in, row.key, &row, row.value ? *row.value : std::string_view{});
}

void memory_store::change(table in, std::string_view key, const row_change* how,
                          std::string_view value) {
  auto& target = tables_[static_cast<std::size_t>(in)];
  if (how && how->range_end) {
    const auto from = target.lower_bound(key);
    if (std::string_view(*how->range_end) > key)
      target.erase(from, target.lower_bound(*how->range_end));
  } else if (how && !how->value) {
    if (const auto found = target.find(key); found != target.end())
      target.erase(found);
  } else {
    target.insert_or_assign(std::string(key), std::string(value));
  }
}

} // namespace troupe

// The entries that a group has in memory, and the messages that carry them.
#include "persistence/consensus/raft_state.hpp"

#include <algorithm>
#include <utility>

namespace troupe::raft {

result<entry_ptr> group::entry_at(log_index index) const {
  if (index >= cache_from_ && index < cache_from_ + cache_.size())
    return cache_[index - cache_from_];
  return read_entry_(index);
}

void group::add_append(log_index from, std::vector<entry_ptr> entries) {
  keep(from, entries);
  work_.appends.push_back({from, std::move(entries)});
}

/// A change of the membership is marked by a follower at the index of the first new entry of its
/// message: it must be the first.
void group::send_entries(node_number to, const append_entries& head, std::uint32_t count) {
  auto part = head;
  std::size_t bytes = 0;
  const auto send = [&] {
    work_.messages.push_back({options_.self, to, part});
    stamp(work_.messages.back());
    part.previous_index += part.entries.size();
    if (!part.entries.empty())
      part.previous_term = part.entries.back()->term;
    part.entries.clear();
    bytes = 0;
  };
  for (std::uint32_t i = 0; i < count; ++i) {
    auto one = entry_at(head.previous_index + 1 + i);
    if (!one)
      break; // it was trimmed meanwhile: the follower gets a snapshot
    const bool full = bytes + (*one)->bytes.size() > options_.message_bytes_max;
    if (!part.entries.empty() && (full || (*one)->kind == entry_kind::members))
      send();
    bytes += (*one)->bytes.size();
    part.entries.push_back(std::move(*one));
  }
  if (count == 0 || !part.entries.empty())
    send();
}

void group::keep(log_index from, const std::vector<entry_ptr>& entries) {
  while (!cache_.empty() && cache_from_ + cache_.size() > from) {
    cache_bytes_ -= cache_.back()->bytes.size();
    cache_.pop_back();
  }
  if (cache_.empty())
    cache_from_ = from;
  for (const auto& one : entries) {
    cache_bytes_ += one->bytes.size();
    cache_.push_back(one);
  }
}

/// What is not durable or not committed stays; of the rest as much as the limit allows.
void group::drop_cached() {
  const auto firm = std::min<log_index>(commit_, raft_->state.last_stored);
  while (!cache_.empty() && cache_from_ <= firm && cache_bytes_ > options_.cache_bytes_max) {
    cache_bytes_ -= cache_.front()->bytes.size();
    cache_.pop_front();
    ++cache_from_;
  }
}

} // namespace troupe::raft

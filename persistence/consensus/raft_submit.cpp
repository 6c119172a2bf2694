// How proposals go into a partition's group.
#include "persistence/consensus/raft_partition.hpp"

#include "persistence/store/refusals.hpp"

#include <utility>

namespace troupe::raft {

void raft_partition::propose(proposal what, proposal_done done) {
  if (!leads_.here || (what.term != 0 && what.term != leads_.term))
    return done(not_leader(leads_));
  gathered_.emplace_back(std::move(what), std::move(done));
}

void raft_partition::refuse_waiting(const failure& why) {
  for (auto& [what, done] : std::exchange(gathered_, {}))
    done(why);
  for (auto& each : std::exchange(outgoing_, {}))
    for (auto& done : each.done)
      done(why);
  parts_open_ = false;
}

std::size_t raft_partition::parts_on_the_way() {
  while (!parts_away_.empty() && parts_away_.front().first <= group_.commit())
    parts_away_.pop_front();
  std::size_t bytes = 0;
  for (const auto& [index, size] : parts_away_)
    bytes += size;
  return bytes;
}

result<bool> raft_partition::submit(std::uint64_t now_ms, std::size_t& room) {
  if (gathered_.empty() && outgoing_.empty())
    return false;
  if (!leads_.here || group_.role() != group_role::leader || group_.term() != leads_.term) {
    refuse_waiting(not_leader(leads_));
    return false;
  }
  for (auto& each : entries_of(std::exchange(gathered_, {}), options_.large))
    outgoing_.push_back(std::move(each));
  bool any = false;
  while (!outgoing_.empty()) {
    auto& next = outgoing_.front();
    const bool part = next.kind == entry_kind::part;
    if (part && next.bytes.size() > room)
      break;
    if (group_.hands_over()) {
      if (!parts_open_) // what has begun ends with this leadership, or goes on
        refuse_waiting(not_leader(leads_));
      break;
    }
    const auto bytes = next.bytes.size();
    std::vector<std::string> payload;
    payload.push_back(std::move(next.bytes));
    const auto index = group_.submit(now_ms, next.kind, std::move(payload));
    if (!index)
      return index.error();
    any = true;
    parts_open_ = part;
    if (part) {
      room -= bytes;
      parts_away_.emplace_back(*index, bytes);
    } else {
      flights_.push_back({*index, group_.term(), std::move(next.done)});
    }
    outgoing_.pop_front();
  }
  return any;
}

} // namespace troupe::raft

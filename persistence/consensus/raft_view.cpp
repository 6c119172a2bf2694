// What a group tells of itself.
#include "persistence/consensus/raft_state.hpp"

#include <algorithm>
#include <functional>
#include <vector>

namespace troupe::raft {

group_role group::role() const {
  switch (raft_->state.state) {
  case RAFT_LEADER: return group_role::leader;
  case RAFT_CANDIDATE: return group_role::candidate;
  default: return group_role::follower;
  }
}

term_number group::term() const {
  return raft_->state.current_term;
}

node_number group::leader() const {
  raft_id id = 0;
  const char* address = nullptr;
  raft_leader(&raft_->state, &id, &address);
  return id;
}

log_index group::last_index() const {
  return raft_last_index(&raft_->state);
}

std::uint64_t group::majority_contact_ms(std::uint64_t now_ms) const {
  std::vector<std::uint64_t> times;
  for (const auto& one : members_) {
    if (one.role != member_role::voter)
      continue;
    const auto heard = heard_.find(one.node);
    times.push_back(one.node == options_.self ? now_ms : heard == heard_.end() ? 0 : heard->second);
  }
  if (times.empty())
    return 0;
  std::sort(times.begin(), times.end(), std::greater<>());
  return times[times.size() / 2];
}

std::uint64_t group::heard_ms(node_number node) const {
  const auto at = heard_.find(node);
  return at == heard_.end() ? 0 : at->second;
}

log_index group::match_index(node_number node) const {
  raft_index index = 0;
  return raft_match_index(&raft_->state, node, &index) == 0 ? index : 0;
}

std::uint64_t group::deadline_ms() const {
  return raft_timeout(&raft_->state);
}

} // namespace troupe::raft

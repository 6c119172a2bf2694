// What a group tells of itself.
#include "persistence/consensus/raft_state.hpp"

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

log_index group::match_index(node_number node) const {
  raft_index index = 0;
  return raft_match_index(&raft_->state, node, &index) == 0 ? index : 0;
}

std::uint64_t group::deadline_ms() const {
  return raft_timeout(&raft_->state);
}

} // namespace troupe::raft

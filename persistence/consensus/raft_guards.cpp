// What the library does wrong or leaves out: see README.md.
#include "persistence/consensus/raft_state.hpp"

#include <algorithm>
#include <span>
#include <utility>

namespace troupe::raft {

/// A late refusal would set the library's next index behind what the follower is known to have;
/// then its count of entries on their way wraps around, and it sends none any more (found by
/// simulation, 0.22.1). A follower never loses what it has stored.
bool group::outdated(node_number from, const append_result& refusal) const {
  return refusal.rejected > 0 && refusal.term == term() && refusal.last_index < match_index(from);
}

/// The library's answer to a leader of a former term holds an index that nobody set. Who leads
/// again when it arrives would take it for what this node has stored, and count it as a vote for a
/// commit (found by simulation, 0.22.1). So this answer is ours: it says the term, and nothing was
/// taken.
result<void> group::refuse(const message& of_former_term) {
  const auto* appended = std::get_if<append_entries>(&of_former_term.what);
  const auto rejected = std::max<log_index>(1, appended ? appended->previous_index : 1);
  work_.messages.push_back(
      {options_.self, of_former_term.from, append_result{term(), rejected, 0, 0}});
  return {};
}

/// The library's only voter becomes leader without a new term: of one in which another may have
/// led, before it was removed. Then two entries could have the same index and term (found by
/// simulation, 0.22.1).
void group::begin_term_alone() {
  auto& r = raft_->state;
  const auto voters = std::count_if(members_.begin(), members_.end(), [](const member& one) {
    return one.role == member_role::voter;
  });
  const member self{options_.self, member_role::voter};
  if (voters != 1 || std::find(members_.begin(), members_.end(), self) == members_.end() ||
      r.state != RAFT_FOLLOWER)
    return;
  r.current_term += 1;
  r.voted_for = r.id;
  work_.new_ballot = ballot{r.current_term, r.voted_for};
}

/// The library's learner never votes, and never forgets its leader. So a group of one that makes it
/// a voter is stuck for ever when its leader starts again before the learner knows: each needs what
/// only the other's consent gives (found by simulation, 0.22.1). Raft lets every server vote
/// (Ongaro's dissertation, 4.1): the candidate's membership says whose votes count.
result<void> group::receive_vote_request(std::uint64_t now_ms, raft_event& event) {
  auto& r = raft_->state;
  const std::span servers(r.configuration.servers, r.configuration.n);
  const auto self = std::find_if(servers.begin(), servers.end(), [&](const raft_server& one) {
    return one.id == r.id && one.role == RAFT_STANDBY;
  });
  const bool learns = self != servers.end() && r.state == RAFT_FOLLOWER;
  if (learns) {
    auto& leader = r.follower_state.current_leader;
    if (leader.id != 0 && now_ms - leader_heard_ms_ >= options_.election_timeout_ms) {
      leader.id = 0;
      raft_free(std::exchange(leader.address, nullptr));
    }
    self->role = RAFT_VOTER;
  }
  raft_update update{};
  const auto done = step(now_ms, event, update);
  if (learns)
    self->role = RAFT_STANDBY;
  // The library's refusal of a pre-vote hides a term that is ahead: who lags would never catch up
  // with it, and could be the only one whose log may win (found by simulation, 0.22.1).
  if (auto* refusal =
          work_.messages.empty() ? nullptr : std::get_if<vote>(&work_.messages.back().what);
      done && refusal && refusal->pre_vote && !refusal->granted)
    refusal->term = std::max<term_number>(refusal->term, r.current_term);
  return done ? advance(now_ms) : done;
}

/// A late message may begin before the log's first entry. The library would take what is trimmed
/// for new and append it behind the last (found by simulation, 0.22.1). Who leads has all that a
/// snapshot holds, so the message may as well begin behind it.
void group::skip_known(append_entries& what) const {
  if (!snapshot_ || what.previous_index >= snapshot_->index)
    return;
  const auto known =
      std::min<std::size_t>(snapshot_->index - what.previous_index, what.entries.size());
  what.entries.erase(what.entries.begin(),
                     what.entries.begin() + static_cast<std::ptrdiff_t>(known));
  what.previous_index = snapshot_->index;
  what.previous_term = snapshot_->term;
}

} // namespace troupe::raft

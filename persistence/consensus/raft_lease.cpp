// The leader's lease: while it lasts nobody else can lead, so this node may read its own state and
// start effects without asking. By the leader's clock alone, which must go on while the process is
// stopped:
//
//   every message to a follower says when it was sent; every answer repeats the latest of these. A
//   follower that got it then or later votes for nobody within an election timeout: it knows of a
//   leader, or has only just started. So an election timeout after the latest time that a majority
//   repeated, less what clocks may differ, is the end of the lease.
//
// A leader that hands over asks for votes within that time: first it gives up its lease (times of
// 0), and who may disrupt it says since when it has none. A voter that has followed it later than
// that refuses: so a late `timeout_now` breaks no lease that came after it.
#include "persistence/consensus/raft_state.hpp"

#include <algorithm>
#include <functional>
#include <utility>
#include <vector>

namespace troupe::raft {

namespace {

/// Of an election timeout: more than two clocks drift apart in that time.
constexpr std::uint64_t drift_share = 20;

} // namespace

std::uint64_t group::lease_until_ms(std::uint64_t now_ms) const {
  if (role() != group_role::leader || hands_over())
    return 0;
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
  const auto contact = times[times.size() / 2];
  const auto timeout = options_.election_timeout_ms;
  return contact == 0 ? 0 : contact + timeout - timeout / drift_share;
}

bool group::hands_over() const {
  return role() == group_role::leader && raft_transferee(&raft_->state) != 0;
}

bool group::hears(std::uint64_t now_ms, node_number follower) const {
  const auto at = heard_.find(follower);
  return at != heard_.end() && now_ms < at->second + options_.election_timeout_ms;
}

/// Before the library sees the message.
void group::note_contact(const message& from_peer) {
  const auto follow = [&](term_number of, std::uint64_t sent_ms) {
    if (of < term())
      return;
    leader_heard_ms_ = now_ms_;
    if (std::exchange(followed_, of) != of)
      followed_ms_ = 0;
    followed_ms_ = std::max(followed_ms_, sent_ms);
  };
  if (const auto* appended = std::get_if<append_entries>(&from_peer.what)) {
    follow(appended->term, appended->sent_ms);
  } else if (const auto* answer = std::get_if<append_result>(&from_peer.what)) {
    if (role() == group_role::leader && answer->term == term() && answer->heard_ms > released_ms_) {
      auto& heard = heard_[from_peer.from];
      heard = std::max(heard, answer->heard_ms);
    }
  } else if (const auto* asked = std::get_if<timeout_now>(&from_peer.what)) {
    asked_to_lead_in_ = asked->term + 1;
    asked_to_lead_ms_ = asked->released_ms;
  }
}

/// Whether a leader that gave up its lease at that time has a later one by this node.
bool group::leased_since(std::uint64_t released_ms) const {
  return followed_ == term() && released_ms < followed_ms_;
}

/// False: it counts as lost on its way.
bool group::may_hear(message& from_peer) const {
  const bool just_started = now_ms_ < started_ms_ + options_.election_timeout_ms;
  if (auto* asks = std::get_if<request_vote>(&from_peer.what)) {
    asks->disrupt_leader = asks->disrupt_leader && !leased_since(asks->released_ms);
    return !just_started; // whom this node followed before is not known any more
  }
  const auto* hands_over = std::get_if<timeout_now>(&from_peer.what);
  return !hands_over || (!just_started && !leased_since(hands_over->released_ms));
}

/// Before anybody is asked to lead instead.
void group::release_lease() {
  released_ms_ = now_ms_;
  heard_.clear();
}

/// After a lease was given up, times are later than that.
void group::stamp(message& what) {
  if (auto* appended = std::get_if<append_entries>(&what.what)) {
    appended->sent_ms = hands_over() || now_ms_ <= released_ms_ ? 0 : now_ms_;
  } else if (auto* answer = std::get_if<append_result>(&what.what)) {
    answer->heard_ms = answer->term == followed_ ? followed_ms_ : 0;
  } else if (auto* asks = std::get_if<request_vote>(&what.what)) {
    asks->released_ms =
        asks->disrupt_leader && asks->term == asked_to_lead_in_ ? asked_to_lead_ms_ : 0;
  } else if (auto* hands_over = std::get_if<timeout_now>(&what.what)) {
    hands_over->released_ms = released_ms_;
  }
}

} // namespace troupe::raft

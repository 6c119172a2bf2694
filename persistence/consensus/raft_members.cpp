// How the leader of a group comes to the members that are wanted, and who should lead it.
#include "persistence/consensus/raft_partition.hpp"

#include <algorithm>

namespace troupe::raft {

namespace {

/// A change that is refused now is tried again by the next call.
result<void> tolerate(const result<log_index>& how) {
  if (how || how.error().kind == failure_kind::conflict || how.error().code == "not_leader")
    return {};
  return how.error();
}

const wanted_member* find(const std::vector<wanted_member>& wanted, node_number node) {
  const auto at =
      std::find_if(wanted.begin(), wanted.end(), [&](const auto& one) { return one.node == node; });
  return at == wanted.end() ? nullptr : &*at;
}

/// The membership after the next step; nothing: it is as wanted, or must wait.
std::optional<membership> next_step(const group& from, const std::vector<wanted_member>& wanted) {
  auto to = from.members();
  for (auto& one : to) {
    const auto* how = find(wanted, one.node);
    if (!how || how->role == one.role)
      continue;
    // A voter that is far behind would stand in the way of every majority.
    if (how->role == member_role::voter && from.match_index(one.node) < from.commit())
      continue;
    one.role = how->role;
    return to;
  }
  for (const auto& one : wanted)
    if (std::none_of(to.begin(), to.end(), [&](const auto& m) { return m.node == one.node; })) {
      to.push_back({one.node, member_role::learner});
      return to;
    }
  for (auto at = to.begin(); at != to.end(); ++at)
    if (!find(wanted, at->node)) {
      to.erase(at);
      return to;
    }
  return std::nullopt;
}

} // namespace

/// The voters of one group after another lead, so that a node has its share of all.
node_number raft_partition::preferred(const std::vector<wanted_member>& wanted) const {
  std::vector<node_number> able;
  for (const auto& one : wanted)
    if (one.leads && one.role == member_role::voter)
      able.push_back(one.node);
  return able.empty() ? 0 : able[number(partition_) % able.size()];
}

result<void> raft_partition::keep_members(std::uint64_t now_ms,
                                          const std::vector<wanted_member>& wanted) {
  if (wanted.empty() || group_.role() != group_role::leader || !group_.settled())
    return {};
  const auto self = options_.group.self;
  const auto* here = find(wanted, self);
  if (const auto to = next_step(group_, wanted)) {
    const bool leaves = std::none_of(to->begin(), to->end(), [&](const auto& one) {
      return one.node == self && one.role == member_role::voter;
    });
    if (!leaves)
      return tolerate(group_.change(now_ms, *to));
  }
  const auto best = preferred(wanted);
  if (best == 0 || best == self || now_ms < transferred_ms_ + options_.rebalance_after_ms)
    return {};
  const bool must = !here || !here->leads;
  const bool ready = group_.match_index(best) >= group_.commit();
  if (!ready || (!must && now_ms < led_since_ms_ + options_.rebalance_after_ms))
    return {};
  transferred_ms_ = now_ms;
  return transfer(now_ms, best);
}

result<void> raft_partition::transfer(std::uint64_t now_ms, node_number to) {
  auto done = group_.transfer(now_ms, to);
  return done || done.error().code != "raft_conflict" ? result<void>{} : done;
}

} // namespace troupe::raft

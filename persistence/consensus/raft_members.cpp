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

/// The voters of one group after another lead, so that a node has its share of all. Where the one
/// whose turn it is cannot be reached and somebody else must lead: the next that can.
node_number raft_partition::preferred(std::uint64_t now_ms,
                                      const std::vector<wanted_member>& wanted, bool must) const {
  std::vector<node_number> able;
  for (const auto& one : wanted)
    if (one.leads && one.role == member_role::voter)
      able.push_back(one.node);
  const auto self = options_.group.self;
  const auto ready = [&](node_number node) {
    return node == self ||
           (group_.match_index(node) >= group_.commit() && group_.hears(now_ms, node));
  };
  for (std::size_t i = 0; i < (must ? able.size() : std::min<std::size_t>(able.size(), 1)); ++i)
    if (const auto node = able[(number(partition_) + i) % able.size()]; ready(node))
      return node;
  return 0;
}

result<bool> raft_partition::keep_members(std::uint64_t now_ms,
                                          const std::vector<wanted_member>& wanted,
                                          bool may_rebalance) {
  if (wanted.empty() || group_.role() != group_role::leader || !group_.settled())
    return false;
  const auto self = options_.group.self;
  const auto* here = find(wanted, self);
  if (const auto to = next_step(group_, wanted)) {
    const bool leaves = std::none_of(to->begin(), to->end(), [&](const auto& one) {
      return one.node == self && one.role == member_role::voter;
    });
    if (!leaves)
      if (auto done = tolerate(group_.change(now_ms, *to)); !done)
        return done.error();
  }
  const bool must = !here || !here->leads || here->role != member_role::voter;
  const auto wait = must ? options_.transfer_again_ms : options_.rebalance_after_ms;
  if (now_ms < transferred_ms_ + wait ||
      (!must && (!may_rebalance || now_ms < led_since_ms_ + wait)))
    return false;
  const auto best = preferred(now_ms, wanted, must);
  if (best == 0 || best == self)
    return false;
  transferred_ms_ = now_ms;
  if (auto done = transfer(now_ms, best); !done)
    return done.error();
  return !must;
}

result<void> raft_partition::transfer(std::uint64_t now_ms, node_number to) {
  auto done = group_.transfer(now_ms, to);
  return done || done.error().code != "raft_conflict" ? result<void>{} : done;
}

} // namespace troupe::raft

#include "tests/consensus/cluster.hpp"

#include "persistence/consensus/raft_codec.hpp"

#include <algorithm>

namespace troupe::test {

using namespace raft;

entry_ptr disk::at(log_index index) const {
  const auto i = index - first;
  return index >= first && i < entries.size() ? entries[i] : nullptr;
}

void disk::append(const raft::append& what) {
  entries.resize(std::min<std::size_t>(entries.size(), what.from - first));
  entries.insert(entries.end(), what.entries.begin(), what.entries.end());
}

void disk::install(const snapshot_mark& mark) {
  snapshot = mark;
  first = mark.index + 1;
  entries.clear();
}

void disk::drop_before(log_index index) {
  while (first < index && !entries.empty()) {
    entries.erase(entries.begin());
    ++first;
  }
}

cluster::cluster(std::uint64_t seed, std::size_t nodes, std::size_t voters, faults how)
    : random_(seed), how_(how), nodes_(nodes) {
  membership all;
  for (std::size_t i = 0; i < voters; ++i)
    all.push_back({i + 1, member_role::voter});
  for (std::size_t i = 0; i < nodes; ++i) {
    nodes_[i].number = i + 1;
    if (i < voters) {
      nodes_[i].durable.last_ballot.term = 1;
      nodes_[i].durable.entries = {
          std::make_shared<const entry>(entry{1, entry_kind::members, encode(all)})};
    }
    start(nodes_[i]);
  }
}

void cluster::note(std::uint64_t what) {
  trace_ = prng(trace_ ^ what).next();
}

void cluster::broke(const std::string& what) {
  if (broken_.empty())
    broken_ = what + " at " + std::to_string(now_) + " ms";
}

void cluster::did(node& at, const result<void>& how) {
  if (!how && how.error().code == "raft_conflict")
    broke("node " + std::to_string(at.number) + ": " + how.error().message);
}

cluster::node* cluster::any(bool up) {
  std::vector<node*> found;
  for (auto& one : nodes_)
    if (up ? runs(one) : !one.group)
      found.push_back(&one);
  return found.empty() ? nullptr : found[random_.below(found.size())];
}

cluster::node* cluster::leader() {
  node* found = nullptr;
  for (auto& one : nodes_)
    if (runs(one) && one.group->role() == group_role::leader)
      if (!found || one.group->term() > found->group->term())
        found = &one;
  return found;
}

void cluster::start(node& at) {
  group_options options;
  options.self = at.number;
  options.seed = static_cast<std::uint32_t>(random_.next());
  options.inflight_entries_max = 8;
  options.message_bytes_max = 64;
  options.cache_bytes_max = 64;
  at.group = std::make_unique<group>(options, [&at](log_index index) -> result<entry_ptr> {
    if (auto found = at.durable.at(index))
      return found;
    return failure{failure_kind::not_found, "trimmed", "no such entry", {}, {}};
  });
  at.checked = 0;
  did(at, at.group->start(now_, {at.durable.last_ballot, at.durable.snapshot, at.durable.first,
                                 at.durable.entries}));
  take(at);
}

/// What was being written may be there in part, but in order.
void cluster::crash(node& at) {
  while (!at.writing.empty() && one_in(2))
    finish_write(at);
  at.writing.clear();
  at.group.reset();
}

void cluster::take(node& from) {
  auto work = from.group->take_work();
  write one{std::move(work.appends), work.new_ballot, work.install, {}};
  const bool durable_first = one.new_ballot.has_value();
  for (auto& each : work.messages)
    if (durable_first || !from.writing.empty())
      one.after.push_back(std::move(each));
    else
      post(std::move(each));
  if (one.new_ballot || one.install || !one.appends.empty() || !one.after.empty())
    from.writing.push_back(std::move(one));
}

void cluster::finish_write(node& at) {
  auto one = std::move(at.writing.front());
  at.writing.pop_front();
  if (one.new_ballot)
    at.durable.last_ballot = *one.new_ballot;
  for (const auto& each : one.appends)
    at.durable.append(each);
  for (auto& each : one.after)
    post(std::move(each));
  if (one.install) {
    at.durable.install(*one.install);
    did(at, at.group->installed(now_, *one.install));
  } else if (!one.appends.empty()) {
    did(at, at.group->persisted(now_, one.appends.back()));
  }
  take(at);
}

void cluster::post(message what) {
  note(what.to * 31 + what.from * 7 + what.what.index());
  if (cut_.contains({what.from, what.to}) || percent(how_.lose))
    return;
  if (percent(how_.repeat))
    network_.push_back(what);
  network_.push_back(std::move(what));
}

/// What is for a process that is stopped waits for it.
std::vector<std::size_t> cluster::arriving() const {
  std::vector<std::size_t> out;
  for (std::size_t i = 0; i < network_.size(); ++i)
    if (const auto& to = nodes_[network_[i].to - 1]; !to.group || runs(to))
      out.push_back(i);
  return out;
}

void cluster::deliver() {
  const auto all = arriving();
  if (all.empty())
    return;
  const auto at = all[percent(how_.reorder) ? random_.below(all.size()) : 0];
  auto what = std::move(network_[at]);
  network_.erase(network_.begin() + static_cast<std::ptrdiff_t>(at));
  auto& to = nodes_[what.to - 1];
  if (!to.group || cut_.contains({what.from, what.to}))
    return;
  did(to, to.group->receive(now_, std::move(what)));
  take(to);
}

void cluster::pass_time() {
  std::uint64_t next = now_ + 50;
  for (auto& one : nodes_)
    if (runs(one))
      next = std::min<std::uint64_t>(next, std::max<std::uint64_t>(one.group->deadline_ms(), now_));
  now_ = next;
  for (auto& one : nodes_)
    if (runs(one) && one.group->deadline_ms() <= now_) {
      did(one, one.group->tick(now_));
      take(one);
    }
  ++now_;
}

void cluster::submit() {
  auto* to = one_in(4) ? any(true) : leader();
  if (!to || !to->group->settled())
    return;
  std::vector<std::string> texts;
  for (auto n = 1 + random_.below(3); n > 0; --n)
    texts.push_back("text " + std::to_string(next_text_++) + std::string(random_.below(40), '.'));
  const auto first = to->group->submit(now_, entry_kind::batch, texts);
  if (first)
    for (std::size_t i = 0; i < texts.size(); ++i)
      submitted_[texts[i]] = *first + i;
  take(*to);
}

void cluster::change_members() {
  auto* to = leader();
  if (!to || !to->group->settled())
    return;
  auto members = to->group->members();
  const auto which = 1 + random_.below(nodes_.size());
  const auto at = std::find_if(members.begin(), members.end(),
                               [&](const member& one) { return one.node == which; });
  const auto voters = std::count_if(members.begin(), members.end(), [](const member& one) {
    return one.role == member_role::voter;
  });
  if (at == members.end())
    members.push_back({which, member_role::learner});
  else if (at->role == member_role::learner && to->group->match_index(which) < to->group->commit())
    return; // a voter that lags could keep the others from a majority
  else if (at->role == member_role::learner)
    at->role = member_role::voter;
  else if (voters > 1 && one_in(2))
    members.erase(at);
  else
    return did(*to, to->group->transfer(now_, which));
  (void)to->group->change(now_, members);
  take(*to);
}

void cluster::snapshot(node& at) {
  const auto durable_to = at.durable.first + at.durable.entries.size() - 1;
  const auto index = std::min<log_index>(at.group->commit(), durable_to);
  if (index < at.durable.first || !at.writing.empty())
    return;
  const auto keep = static_cast<std::uint32_t>(random_.below(10));
  const auto first = at.group->snapshot_taken(now_, index, keep);
  if (!first)
    return broke("no snapshot could be taken: " + first.error().message);
  at.durable.snapshot = at.group->snapshot();
  at.durable.drop_before(*first);
  take(at);
}

void cluster::check_node(node& at) {
  const auto& g = *at.group;
  if (g.role() == group_role::leader) {
    const auto known = leaders_.emplace(g.term(), at.number);
    if (known.first->second != at.number)
      broke("two leaders in term " + std::to_string(g.term()));
  }
  const bool leased = g.settled() && g.lease_until_ms(now_) > now_;
  leased_ += leased && g.members().size() > 1 ? 1 : 0;
  if (leased)
    for (const auto& other : nodes_)
      if (other.group && other.group->settled() && other.group->term() > g.term())
        broke("node " + std::to_string(at.number) + " may act, and another leads");
  if (at.checked == 0 && at.durable.snapshot)
    at.checked = at.durable.snapshot->index;
  for (; at.checked < g.commit(); ++at.checked) {
    const auto index = at.checked + 1;
    const auto one = g.entry_at(index);
    if (!one) {
      if (at.durable.snapshot && index <= at.durable.snapshot->index)
        continue;
      return broke("a committed entry is gone");
    }
    if (index > committed_.size() + 1)
      return broke("commits have a gap");
    if (index == committed_.size() + 1) {
      committed_.push_back(*one);
      const auto mine = submitted_.find((*one)->bytes);
      acknowledged_ += mine != submitted_.end() && mine->second == index ? 1 : 0;
      note(index);
    } else if (committed_[index - 1]->term != (*one)->term ||
               committed_[index - 1]->bytes != (*one)->bytes) {
      return broke("two entries are committed at index " + std::to_string(index));
    }
  }
  // One that does not know yet that it leads no more may lack what came later.
  const bool last = !leaders_.empty() && leaders_.rbegin()->first == g.term();
  if (last && g.settled() && g.last_index() < committed_.size())
    broke("a leader lacks what is committed");
}

void cluster::step() {
  auto what = random_.below(1'000);
  const auto chosen = [&](unsigned weight) {
    const bool mine = what < weight;
    what -= mine ? 0 : weight;
    return mine;
  };
  if (chosen(how_.crash)) {
    if (auto* one = any(true))
      crash(*one);
  } else if (chosen(how_.crash * 2)) {
    if (auto* one = any(false))
      start(*one);
  } else if (chosen(how_.cut)) {
    if (one_in(2))
      cut_.clear();
    else
      cut_.emplace(1 + random_.below(nodes_.size()), 1 + random_.below(nodes_.size()));
  } else if (chosen(how_.change)) {
    change_members();
  } else if (chosen(how_.snapshot)) {
    if (auto* one = any(true))
      snapshot(*one);
  } else if (chosen(how_.stop)) {
    if (auto* one = one_in(2) ? leader() : any(true))
      one->stopped_until = now_ + random_.below(5'000);
  } else if (chosen(120)) {
    submit();
  } else if (chosen(350)) {
    if (auto* one = any(true); one && !one->writing.empty())
      finish_write(*one);
  } else if (chosen(380) && !arriving().empty()) {
    deliver();
  } else {
    pass_time();
  }
  for (auto& one : nodes_)
    if (one.group)
      check_node(one);
}

std::uint64_t cluster::heal() {
  const auto began = now_;
  cut_.clear();
  for (auto& one : nodes_)
    if (!one.group)
      start(one);
  for (auto& one : nodes_)
    one.stopped_until = 0;
  how_ = {0, 0, 0, 0, 0, 0, 0, 0};
  const auto target = committed_.size() + 1;
  while (broken_.empty() && now_ - began < 60'000) {
    for (auto& one : nodes_)
      while (!one.writing.empty())
        finish_write(one);
    if (!network_.empty())
      deliver();
    else
      pass_time();
    for (auto& one : nodes_)
      check_node(one);
    auto* head = leader();
    if (!head || !head->group->settled())
      continue;
    if (head->group->commit() == head->group->last_index() && committed_.size() < target)
      submit();
    const auto& members = head->group->members();
    if (committed_.size() >= target && head->group->commit() == head->group->last_index() &&
        std::all_of(members.begin(), members.end(), [&](const member& one) {
          return nodes_[one.node - 1].group->commit() == head->group->commit();
        }))
      return now_ - began;
  }
  broke("the healed cluster does not agree");
  return now_ - began;
}

} // namespace troupe::test

#include "runtime/engine/evolve/frontier.hpp"

#include <algorithm>

namespace troupe::evolving {

namespace {

/// MERGE looks at its inputs as they come, not only when all are there.
bool eager(const plan_node& node) {
  if (node.kind != node_kind::merge)
    return false;
  const auto* all = node.constants.if_contains("wait_for_all");
  const auto* timeout = node.constants.if_contains("timeout");
  return (all && all->is_bool() && !all->as_bool()) || (timeout && timeout->is_number());
}

std::uint32_t pending_edges(const plan& p, const run_state& s, const plan_node& node,
                            const scope_key& key) {
  std::uint32_t pending = 0;
  for (auto e : node.in)
    pending += look(p, s, p.edges[e], key).state == edge_state::pending ? 1u : 0u;
  return pending;
}

bool has_live(const plan& p, const run_state& s, const plan_node& node, const scope_key& key) {
  return std::any_of(node.in.begin(), node.in.end(),
                     [&](auto e) { return look(p, s, p.edges[e], key).state == edge_state::live; });
}

void input_resolved(const plan& p, run_state& s, const slot_ref& at) {
  auto* target = find_slot(p, s, at);
  if (!target || target->out != resolution::none || target->pending == 0)
    return;
  --target->pending;
  const auto& node = p.nodes[at.node];
  const bool merging = target->status == step_status::waiting && target->wait == wait_kind::merge;
  if (target->queued || (target->status != step_status::pending && !merging))
    return;
  if (target->pending == 0 || (!merging && eager(node) && has_live(p, s, node, at.scope)))
    queue(s, *target, at);
}

bool starts_with(const iteration_path& path, const iteration_path& prefix) {
  return path.size() >= prefix.size() && std::equal(prefix.begin(), prefix.end(), path.begin());
}

} // namespace

void queue(run_state& s, slot& what, const slot_ref& at) {
  if (what.queued)
    return;
  what.queued = true;
  s.ready.push_back(at);
}

void unqueue(run_state& s, slot& what, const slot_ref& at) {
  if (!what.queued)
    return;
  what.queued = false;
  const auto found = std::find(s.ready.begin(), s.ready.end(), at);
  check(found != s.ready.end(), "a queued slot stands in the ready list");
  s.ready.erase(found);
}

slot_ref owner_of(const plan& p, const scope_key& key) {
  auto path = key.path;
  path.pop_back();
  return {{p.regions[key.region].parent, std::move(path)}, p.regions[key.region].owner};
}

void recount(const plan& p, run_state& s, const scope_key& key) {
  auto& place = s.scopes.at(key);
  place.open = 0;
  for (std::uint32_t i = 0; i < place.slots.size(); ++i) {
    auto& what = place.slots[i];
    const auto node = p.regions[key.region].nodes[i];
    if (p.nodes[node].detached || what.out != resolution::none)
      continue;
    ++place.open;
    if (what.status != step_status::pending)
      continue;
    what.pending = pending_edges(p, s, p.nodes[node], key);
    if (what.pending == 0)
      queue(s, what, {key, node});
  }
}

void open_scope(const plan& p, run_state& s, const scope_key& key, value_ref item) {
  const auto [at, fresh] = s.scopes.try_emplace(key);
  check(fresh, "a scope opens once");
  at->second.slots.resize(p.regions[key.region].nodes.size());
  at->second.item = std::move(item);
  recount(p, s, key);
}

void erase_scope(const plan& p, run_state& s, const scope_key& key) {
  const auto within = [&](const scope_key& other) {
    return enclosing(p, other, key.region) == key;
  };
  std::erase_if(s.ready, [&](const slot_ref& at) { return within(at.scope); });
  std::erase_if(s.loops, [&](const auto& entry) { return within(entry.first.scope); });
  std::erase_if(s.scopes, [&](const auto& entry) { return within(entry.first); });
}

void close_one(const plan& p, run_state& s, const scope_key& key) {
  auto& place = s.scopes.at(key);
  check(place.open > 0, "a scope closes what it opened");
  if (--place.open > 0 || key.region == 0)
    return;
  const auto loop = s.loops.find(owner_of(p, key));
  check(loop != s.loops.end(), "an iteration has a loop");
  loop->second.done.push_back(key.path.back());
}

void settle(const plan& p, run_state& s, const slot_ref& at, step_status status, resolution out,
            instant now) {
  auto* what = find_slot(p, s, at);
  check(what && what->out == resolution::none, "a node ends once");
  unqueue(s, *what, at);
  what->status = status;
  what->out = out;
  what->wait = wait_kind::none;
  what->ended = now;
  if (!what->started)
    what->started = now;
  what->parameters = {};
  if (out == resolution::blocked)
    s.scopes.at(at.scope).failed = true;
  const auto& node = p.nodes[at.node];
  for (auto number : node.out) {
    const auto& e = p.edges[number];
    const auto& target = p.nodes[e.target];
    if (e.closes_loop || (node.body != no_index && target.region != node.region))
      continue;
    if (target.region == at.scope.region) {
      input_resolved(p, s, {at.scope, e.target});
      continue;
    }
    for (auto& [key, place] : s.scopes)
      if (key.region == target.region && starts_with(key.path, at.scope.path))
        input_resolved(p, s, {key, e.target});
  }
  close_one(p, s, at.scope);
}

void append_result(result_list& results, std::uint32_t index, value_ref value) {
  results.early.emplace(index, std::move(value));
  for (auto first = results.early.begin();
       first != results.early.end() && first->first == results.next;
       first = results.early.begin()) {
    results.tail.push_back(std::move(first->second));
    results.early.erase(first);
    ++results.next;
  }
}

} // namespace troupe::evolving

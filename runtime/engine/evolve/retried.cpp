// An explicit retry: what failed, or a node, runs again with all that depends on it.
#include "runtime/engine/evolve/apply.hpp"
#include "runtime/engine/evolve/frontier.hpp"

#include <algorithm>

namespace troupe::evolving {

namespace {

bool worth_repeating(const slot& what) {
  return what.status == step_status::failed || what.status == step_status::timed_out ||
         what.status == step_status::cancelled || !terminal(what.status);
}

void uncount(run_state& s, const slot_ref& at, const slot& what) {
  auto& c = s.counters;
  if (what.out == resolution::none)
    return;
  --c.all;
  if (what.status == step_status::success)
    --c.succeeded;
  if (what.status == step_status::skipped)
    --c.skipped;
  const bool failed = what.status == step_status::failed || what.status == step_status::timed_out;
  if (!failed || what.handled)
    return;
  --c.failed;
  if (what.out == resolution::continued)
    --c.continued;
  else if (at.scope.region == 0)
    --c.failed_root;
}

/// Forgets how the node ended; attempts go on counting, so that old outcomes stay old.
void reset(const plan& p, run_state& s, const slot_ref& at) {
  auto& what = *find_slot(p, s, at);
  uncount(s, at, what);
  slot fresh;
  fresh.attempt = fresh.attempt_base = what.attempt;
  fresh.emitted = 0;
  what = std::move(fresh);
  if (p.nodes[at.node].body == no_index)
    return;
  s.loops.erase(at);
  std::vector<scope_key> inner;
  for (const auto& [key, place] : s.scopes)
    if (key.region == p.nodes[at.node].body && owner_of(p, key) == at)
      inner.push_back(key);
  for (const auto& key : inner)
    erase_scope(p, s, key);
}

bool resumable_loop(const run_state& s, const slot_ref& at, const plan& p) {
  return p.nodes[at.node].kind == node_kind::loop && s.loops.contains(at);
}

/// The loop goes on where it stopped: finished iterations keep their results.
void resume_loop(const plan& p, run_state& s, const slot_ref& at) {
  auto& what = *find_slot(p, s, at);
  uncount(s, at, what);
  what.status = step_status::running;
  what.out = resolution::none;
  what.error.reset();
  what.ended.reset();
  auto& loop = s.loops.at(at);
  loop.failed = 0;
  loop.active = 0;
  loop.done.clear();
  for (const auto& [key, place] : s.scopes)
    if (key.region == p.nodes[at.node].body && owner_of(p, key) == at)
      ++loop.active;
  loop.finished = loop.started - loop.active;
}

/// Marks what must run again in one scope: the chosen nodes and their dependants.
std::vector<bool> selection(const plan& p, const run_state& s, const scope_key& key,
                            const std::vector<std::string>& from) {
  const auto& region = p.regions[key.region];
  std::vector<bool> chosen(region.nodes.size(), false);
  std::vector<std::uint32_t> open;
  for (std::uint32_t i = 0; i < region.nodes.size(); ++i) {
    const auto& node = p.nodes[region.nodes[i]];
    const auto& what = s.scopes.at(key).slots[i];
    const bool named = std::find(from.begin(), from.end(), node.id) != from.end();
    if (!node.detached && (named || (from.empty() && worth_repeating(what)))) {
      chosen[i] = true;
      open.push_back(i);
    }
  }
  while (!open.empty()) {
    const auto i = open.back();
    open.pop_back();
    for (auto e : p.nodes[region.nodes[i]].out) {
      const auto& target = p.nodes[p.edges[e].target];
      if (p.edges[e].closes_loop || target.region != key.region || chosen[target.slot])
        continue;
      chosen[target.slot] = true;
      open.push_back(target.slot);
    }
  }
  return chosen;
}

void repeat_scope(const plan& p, run_state& s, const scope_key& key,
                  const std::vector<std::string>& from) {
  const auto chosen = selection(p, s, key, from);
  for (std::uint32_t i = 0; i < chosen.size(); ++i) {
    const slot_ref at{key, p.regions[key.region].nodes[i]};
    if (!chosen[i])
      continue;
    if (from.empty() && resumable_loop(s, at, p))
      resume_loop(p, s, at);
    else
      reset(p, s, at);
  }
  s.scopes.at(key).failed = false;
}

} // namespace

void apply(const plan& p, run_state& s, const events::execution_retried& e, instant now) {
  s.status = run_status::running;
  s.attempt = e.attempt;
  s.ended.reset();
  s.error.reset();
  s.error_node.clear();
  s.output = {};
  s.deadline = e.deadline;
  if (e.overrides)
    s.overrides = e.overrides;
  if (!e.input.empty()) {
    s.start.input = e.input;
    s.input_attempt = e.attempt;
  }
  if (s.scopes.empty()) { // never admitted
    s.started = now;
    open_scope(p, s, {}, {});
    return;
  }
  repeat_scope(p, s, {}, e.from);
  std::vector<scope_key> keys;
  for (const auto& [key, place] : s.scopes)
    if (key.region != 0)
      keys.push_back(key);
  for (const auto& key : keys)
    if (s.scopes.contains(key))
      repeat_scope(p, s, key, {});
  s.ready.clear();
  for (auto& [key, place] : s.scopes) {
    for (auto& what : place.slots)
      what.queued = false;
    recount(p, s, key);
  }
}

} // namespace troupe::evolving

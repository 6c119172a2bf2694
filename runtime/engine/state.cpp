#include "runtime/engine/state.hpp"

namespace troupe {

run_status visible_status(const run_state& s) noexcept {
  if (terminal(s.status) || s.status != run_status::running)
    return s.status;
  if (s.paused)
    return run_status::paused;
  if (s.running > 0 || !s.ready.empty())
    return run_status::running;
  return run_status::waiting;
}

const slot* find_slot(const plan& p, const run_state& s, const slot_ref& at) noexcept {
  if (at.node >= p.nodes.size())
    return nullptr;
  const auto found = s.scopes.find(at.scope);
  if (found == s.scopes.end() || p.nodes[at.node].region != at.scope.region)
    return nullptr;
  return &found->second.slots[p.nodes[at.node].slot];
}

slot* find_slot(const plan& p, run_state& s, const slot_ref& at) noexcept {
  return const_cast<slot*>(find_slot(p, static_cast<const run_state&>(s), at));
}

slot_ref locate(const plan& p, const place& at) {
  const auto found = p.by_id.find(at.node);
  if (found == p.by_id.end())
    return {};
  return {{p.nodes[found->second].region, at.iteration}, found->second};
}

place place_of(const plan& p, const slot_ref& at) {
  return {p.nodes[at.node].id, at.scope.path};
}

namespace {

bool inside(const plan& p, region_index inner, region_index outer) noexcept {
  for (auto region = inner; region != no_index; region = p.regions[region].parent)
    if (region == outer)
      return true;
  return false;
}

} // namespace

scope_key enclosing(const plan& p, const scope_key& inner, region_index region) {
  scope_key key = inner;
  while (key.region != region && key.region != 0) {
    key.region = p.regions[key.region].parent;
    key.path.pop_back();
  }
  return key;
}

edge_view look(const plan& p, const run_state& s, const plan_edge& e,
               const scope_key& target_scope) {
  const auto& source = p.nodes[e.source];
  if (source.body != no_index && inside(p, target_scope.region, source.body)) {
    const auto body = s.scopes.find(enclosing(p, target_scope, source.body));
    check(body != s.scopes.end(), "an iteration's scope exists while its nodes do");
    return {edge_state::live, &body->second.item};
  }
  const auto* from = find_slot(p, s, {enclosing(p, target_scope, source.region), e.source});
  if (!from)
    return {edge_state::dead, nullptr};
  const bool order = e.kind == edge_kind::order;
  switch (from->out) {
  case resolution::none: return {edge_state::pending, nullptr};
  case resolution::blocked: return {edge_state::blocked, nullptr};
  case resolution::dead: return {edge_state::dead, nullptr};
  case resolution::error_port:
    if (!order && e.source_port == "error")
      return {edge_state::live, &from->ports.front().value};
    return {order ? edge_state::live : edge_state::dead, nullptr};
  case resolution::skipped:
  case resolution::continued:
    return {order || e.source_port == "main" ? edge_state::live : edge_state::dead, nullptr};
  case resolution::completed: break;
  }
  if (order)
    return {edge_state::live, nullptr};
  for (const auto& port : from->ports)
    if (port.port == e.source_port)
      return {edge_state::live, &port.value};
  return {edge_state::dead, nullptr};
}

} // namespace troupe

// Which nodes the start of a run can reach.
#include "runtime/workflow/draft.hpp"

#include "runtime/workflow/shape.hpp"

#include <algorithm>

namespace troupe::drafting {

namespace {

std::vector<bool> fallback_targets(const draft& d) {
  std::vector<bool> out(d.nodes.size());
  for (const auto& n : d.nodes)
    if (const json::value* f = member(*n.source, "fallback"); f != nullptr && f->is_object())
      if (const node_index i = d.find(text_at(f->get_object(), "node")); i != no_index)
        out[i] = true;
  return out;
}

void fill_in_and_out(draft& d) {
  for (auto& n : d.nodes) {
    n.in.clear();
    n.out.clear();
  }
  for (std::uint32_t i = 0; i < d.edges.size(); ++i) {
    const plan_edge& e = d.edges[i].made;
    d.nodes[e.source].out.push_back(i);
    if (!e.closes_loop)
      d.nodes[e.target].in.push_back(i);
  }
  for (auto& n : d.nodes)
    std::stable_sort(n.in.begin(), n.in.end(), [&d](std::uint32_t a, std::uint32_t b) {
      return d.edges[a].index < d.edges[b].index;
    });
}

std::vector<node_index> starts(const draft& d, const std::vector<bool>& as_fallback) {
  const auto is_trigger = [](const draft_node& n) {
    return n.spec != nullptr && n.spec->kind == node_kind::trigger;
  };
  const bool triggered = std::any_of(d.nodes.begin(), d.nodes.end(), [&](const draft_node& n) {
    return !n.is_step && is_trigger(n);
  });
  std::vector<node_index> out;
  for (node_index i = 0; i < d.nodes.size(); ++i)
    if (triggered ? is_trigger(d.nodes[i]) : d.nodes[i].in.empty() && !as_fallback[i])
      out.push_back(i);
  return out;
}

} // namespace

void detach_unreached(draft& d, faults& found) {
  fill_in_and_out(d);
  const auto as_fallback = fallback_targets(d);
  std::vector<bool> reached(d.nodes.size());
  std::vector<node_index> open = starts(d, as_fallback);
  for (const node_index i : open)
    reached[i] = true;
  while (!open.empty()) {
    const node_index at = open.back();
    open.pop_back();
    for (const std::uint32_t out : d.nodes[at].out)
      if (const node_index next = d.edges[out].made.target; !reached[next]) {
        reached[next] = true;
        open.push_back(next);
      }
  }
  for (node_index i = 0; i < d.nodes.size(); ++i) {
    d.nodes[i].detached = !reached[i];
    if (!reached[i] && !as_fallback[i])
      found.warn(d.nodes[i].id, "", "unreachable", "nothing that starts a run leads here");
  }
  // A detached node never ends, so nothing may wait for it.
  std::erase_if(d.edges, [&d](const draft_edge& e) {
    return d.nodes[e.made.source].detached && !d.nodes[e.made.target].detached;
  });
  fill_in_and_out(d);
}

} // namespace troupe::drafting

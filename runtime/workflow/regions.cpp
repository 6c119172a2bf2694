// Which nodes run together: the bodies of loops and what hangs behind streaming nodes.
#include "runtime/workflow/draft.hpp"

#include <algorithm>
#include <set>
#include <utility>

namespace troupe::drafting {

namespace {

struct body {
  node_index owner = no_index;
  std::vector<bool> holds;
  std::size_t size = 0;
  std::string what; ///< for messages
};

bool is_loop(const draft_node& n) {
  return n.spec != nullptr && n.spec->kind == node_kind::loop;
}

class region_maker {
public:
  region_maker(const draft& d, plan& p, faults& found) : d_(d), p_(p), found_(found) {}

  void run() {
    for (node_index i = 0; i < d_.nodes.size(); ++i)
      if (is_loop(d_.nodes[i]) || p_.nodes[i].streaming)
        bodies_.push_back(flood(i));
    find_overlaps();
    number_regions();
    place_nodes();
    for (std::uint32_t i = 0; i < d_.edges.size(); ++i)
      check_edge(i);
  }

private:
  /// Whether the edge carries values into its source's own body.
  bool enters(const plan_edge& e) const {
    if (e.closes_loop)
      return false;
    if (is_loop(d_.nodes[e.source]))
      return e.source_port == "iteration";
    return p_.nodes[e.source].streaming && e.source_port != "error";
  }

  body flood(node_index owner) const {
    body b{owner, std::vector<bool>(d_.nodes.size()), 0,
           (is_loop(d_.nodes[owner]) ? "the body of loop " : "what follows streaming node ") +
               draft::label(d_.nodes[owner])};
    std::vector<node_index> open;
    const auto reach = [&](const plan_edge& e) {
      if (e.closes_loop || b.holds[e.target])
        return;
      b.holds[e.target] = true;
      ++b.size;
      open.push_back(e.target);
    };
    for (const std::uint32_t i : d_.nodes[owner].out)
      if (enters(d_.edges[i].made))
        reach(d_.edges[i].made);
    while (!open.empty()) {
      const node_index at = open.back();
      open.pop_back();
      for (const std::uint32_t i : d_.nodes[at].out)
        reach(d_.edges[i].made);
    }
    return b;
  }

  /// The bodies around a node must be nested like boxes.
  void find_overlaps() {
    std::set<std::pair<std::size_t, std::size_t>> told;
    for (node_index n = 0; n < d_.nodes.size(); ++n) {
      std::vector<std::size_t> around;
      for (std::size_t i = 0; i < bodies_.size(); ++i)
        if (bodies_[i].holds[n])
          around.push_back(i);
      std::stable_sort(around.begin(), around.end(), [this](std::size_t a, std::size_t b) {
        return bodies_[a].size < bodies_[b].size;
      });
      for (std::size_t i = 1; i < around.size(); ++i)
        if (const body& a = bodies_[around[i - 1]], &b = bodies_[around[i]];
            !b.holds[a.owner] && told.emplace(around[i - 1], around[i]).second)
          found_.error(d_.nodes[n].id, "", "overlapping_bodies",
                       draft::label(d_.nodes[n]) + " belongs to " + a.what + " and to " + b.what +
                           "; bodies may only be nested");
    }
  }

  /// The innermost body that holds a node, as a region.
  region_index innermost(node_index n) const {
    region_index best = 0;
    for (std::size_t i = 0; i < bodies_.size(); ++i)
      if (bodies_[i].holds[n] && (best == 0 || bodies_[i].size < bodies_[best - 1].size))
        best = static_cast<region_index>(i + 1);
    return best;
  }

  void number_regions() {
    p_.regions.assign(bodies_.size() + 1, {});
    for (std::size_t i = 0; i < bodies_.size(); ++i) {
      plan_region& r = p_.regions[i + 1];
      r.owner = bodies_[i].owner;
      r.parent = innermost(bodies_[i].owner);
      p_.nodes[bodies_[i].owner].body = static_cast<region_index>(i + 1);
    }
  }

  void place_nodes() {
    for (node_index i = 0; i < p_.nodes.size(); ++i) {
      plan_node& n = p_.nodes[i];
      n.region = innermost(i);
      n.slot = static_cast<std::uint32_t>(p_.regions[n.region].nodes.size());
      p_.regions[n.region].nodes.push_back(i);
    }
  }

  bool inside(region_index inner, region_index outer) const {
    while (inner != 0 && inner != outer)
      inner = p_.regions[inner].parent;
    return inner == outer;
  }

  void check_edge(std::uint32_t number) {
    const draft_edge& e = d_.edges[number];
    const plan_node& source = p_.nodes[e.made.source];
    const plan_node& target = p_.nodes[e.made.target];
    const bool entry = enters(e.made);
    const region_index from = entry ? source.body : source.region;
    if (e.made.closes_loop)
      return check_return(number, from, target);
    if (from == target.region || target.region == 0 ||
        (e.made.is_static && inside(target.region, from)))
      return;
    found_.error(source.id, e.field, "body_entered",
                 draft::label(d_.nodes[e.made.target]) + " is in " +
                     bodies_[target.region - 1].what + ", but is also reached from " +
                     draft::label(d_.nodes[e.made.source]) +
                     " outside of it; only an edge with is_static may lead in");
  }

  void check_return(std::uint32_t number, region_index from, const plan_node& loop) {
    const plan_node& source = p_.nodes[d_.edges[number].made.source];
    const std::string& port = d_.edges[number].made.source_port;
    const bool many = (is_loop(d_.nodes[d_.edges[number].made.source]) && port == "iteration") ||
                      (source.streaming && port != "error");
    if (from == loop.body && !many)
      p_.regions[loop.body].closing.push_back(number);
    else
      found_.error(source.id, d_.edges[number].field, "bad_loop_return",
                   source.id + " is not directly in the body of loop " + loop.id +
                       ", so it cannot end its iteration");
  }

  const draft& d_;
  plan& p_;
  faults& found_;
  std::vector<body> bodies_;
};

} // namespace

void make_regions(const draft& d, plan& p, faults& found) {
  region_maker(d, p, found).run();
}

} // namespace troupe::drafting

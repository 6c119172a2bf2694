// Whether what templates and expressions read is there, and before its reader.
#include "runtime/workflow/draft.hpp"

#include <algorithm>
#include <array>

namespace troupe::drafting {

namespace {

using path = std::vector<std::string>;

constexpr std::array<std::string_view, 30> roots{
    "input",  "steps",   "vars",      "item",        "items",      "index",
    "acc",    "value",   "workflow",  "execution",   "iteration",  "loop",
    "config", "trigger", "node",      "credentials", "secrets",    "$json",
    "$input", "$config", "$trigger",  "$node",       "$vars",      "$item",
    "$items", "$index",  "$workflow", "$execution",  "$iteration", "$loop"};

/// Nodes that end before each node: a bit matrix, filled in topological order.
class ancestry {
public:
  explicit ancestry(const draft& d) : before_(d.nodes.size()) {
    std::vector<std::size_t> waits(d.nodes.size());
    std::vector<node_index> ready;
    for (node_index i = 0; i < d.nodes.size(); ++i) {
      before_[i].resize(d.nodes.size());
      waits[i] = d.nodes[i].in.size();
      if (waits[i] == 0)
        ready.push_back(i);
    }
    while (!ready.empty()) {
      const node_index at = ready.back();
      ready.pop_back();
      for (const std::uint32_t out : d.nodes[at].out) {
        const plan_edge& e = d.edges[out].made;
        if (e.closes_loop)
          continue;
        before_[e.target][at] = true;
        for (std::size_t i = 0; i < before_[at].size(); ++i)
          if (before_[at][i])
            before_[e.target][i] = true;
        if (--waits[e.target] == 0)
          ready.push_back(e.target);
      }
    }
  }

  bool before(node_index reader, node_index read) const { return before_[reader][read]; }

private:
  std::vector<std::vector<bool>> before_;
};

class path_checker {
public:
  path_checker(const draft& d, const plan& p, faults& found)
      : d_(d), p_(p), found_(found), order_(d) {}

  void run() {
    for (node_index i = 0; i < p_.nodes.size(); ++i)
      check_node(i);
    for (std::size_t i = 0; i < p_.edges.size(); ++i)
      if (p_.edges[i].mapping)
        check(no_index, p_.edges[i].mapping->paths(), d_.edges[i].field + ".mapping", found_);
    for (const auto& [key, made] : p_.output_mapping)
      check(no_index, made.paths(), "output_mapping." + key, found_);
  }

private:
  void check_node(node_index i) {
    const plan_node& n = p_.nodes[i];
    if (n.condition)
      check(i, n.condition->paths(), "condition", found_);
    for (const auto& [name, e] : n.expressions)
      check(i, e.paths(), "parameters." + name, found_);
    if (n.fallback.value)
      check(i, n.fallback.value->paths(), "fallback.value", found_);
    faults sample;
    check(i, n.parameters.paths(), "parameters", sample);
    if (sample.errors.empty() && sample.warnings.empty())
      return;
    for (const auto& entry : n.parameters.source().as_object()) { // again, to name the parameter
      const auto part = expr::compile(entry.value());
      if (part)
        check(i, part->paths(), "parameters." + std::string(entry.key()), found_);
    }
  }

  /// Whether the reader's own body may have been read: a loop looks at its body between iterations.
  bool in_own_body(node_index reader, node_index read) const {
    region_index r = p_.nodes[read].region;
    while (r != 0 && p_.regions[r].owner != reader)
      r = p_.regions[r].parent;
    return r != 0;
  }

  void check(node_index reader, const std::vector<path>& paths, const std::string& field,
             faults& to) const {
    const std::string id = reader == no_index ? std::string() : p_.nodes[reader].id;
    for (const auto& each : paths) {
      if (std::find(roots.begin(), roots.end(), each.front()) == roots.end()) {
        if (!field.ends_with(".mapping")) // there the members of the value are names too
          to.warn(id, field, "unknown_name",
                  "\"" + each.front() + "\" is no known name; it will be null");
        continue;
      }
      if (each.size() < 2 || (each.front() != "steps" && each.front() != "$node"))
        continue;
      const node_index read = find_node(p_, each[1]);
      if (read == no_index)
        to.error(id, field, "unknown_step",
                 each.front() + " has no \"" + each[1] + "\": there is no such step");
      else if (reader != no_index && !p_.nodes[reader].detached && !order_.before(reader, read) &&
               !in_own_body(reader, read))
        to.warn(id, field, "not_upstream",
                "\"" + each[1] + "\" need not have run before " + id +
                    "; make it a dependency, or the value may be null");
    }
  }

  const draft& d_;
  const plan& p_;
  faults& found_;
  ancestry order_;
};

} // namespace

void check_paths(const draft& d, const plan& p, faults& found) {
  path_checker(d, p, found).run();
}

} // namespace troupe::drafting

#include "runtime/workflow/draft.hpp"

#include "runtime/workflow/shape.hpp"

#include <algorithm>
#include <array>

namespace troupe::drafting {

namespace {

constexpr std::array<std::string_view, 13> connection_types{
    "main",      "ai_agent",         "ai_chain",         "ai_document", "ai_embedding",
    "ai_memory", "ai_output_parser", "ai_retriever",     "ai_reranker", "ai_text_splitter",
    "ai_tool",   "ai_vector_store",  "ai_language_model"};

bool contains(const std::vector<std::string>& list, std::string_view word) {
  return std::find(list.begin(), list.end(), word) != list.end();
}

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& word : words)
    out += (out.empty() ? "" : ", ") + word;
  return out.empty() ? "none" : out;
}

/// Which node an end is; reports it when there is none.
node_index end_of(const draft& d, const draft_edge& e, const std::string& id, const char* side,
                  faults& found) {
  const node_index i = d.find(id);
  if (i != no_index)
    return i;
  if (e.field.starts_with("depends_on"))
    found.error(e.node, e.field, "undefined_dependency",
                "depends on \"" + id + "\", which is not a step");
  else if (d.notes.contains(id))
    found.error(e.node, e.field + "." + side, "unknown_port",
                "\"" + id + "\" is a note; notes have no ports");
  else
    found.error(e.node, e.field + "." + side, "unknown_endpoint",
                "there is no node \"" + id + "\"");
  return no_index;
}

void check_source_port(const draft_node& source, const draft_edge& e, faults& found) {
  if (source.spec == nullptr || e.made.kind == edge_kind::order)
    return;
  const auto ports = output_ports(*source.spec, source.parameters);
  const std::string& port = e.made.source_port;
  // Whatever can fail has an error port, listed or not.
  if (contains(ports, port) || (port == "error" && source.spec->kind != node_kind::trigger))
    return;
  found.error(source.id, e.field + ".source_port", "unknown_port",
              source.id + " has no output port \"" + port + "\"; it has " + joined(ports));
}

void check_target_port(const draft_node& target, const draft_edge& e, faults& found) {
  if (target.spec == nullptr)
    return;
  const auto& ports = target.spec->inputs;
  const std::string& port = e.made.target_port;
  if (e.made.kind == edge_kind::order ? !ports.empty() : contains(ports, port))
    return;
  if (e.made.type != "main" && port == e.made.type && !ports.empty())
    return;
  found.error(target.id, e.field + ".target_port", "unknown_port",
              ports.empty()
                  ? target.id + " takes no input"
                  : target.id + " has no input port \"" + port + "\"; it has " + joined(ports));
}

void check_edge(draft& d, draft_edge& e, faults& found) {
  if (e.index < 0)
    found.error(e.node, e.field + ".index", "bad_index", "index must be 0 or more");
  if (std::find(connection_types.begin(), connection_types.end(), e.made.type) ==
      connection_types.end())
    found.error(e.node, e.field + ".type", "unknown_connection_type",
                "no connection type is called \"" + e.made.type + "\"");
  e.made.source = end_of(d, e, e.source, "source", found);
  e.made.target = e.source == e.target ? e.made.source : end_of(d, e, e.target, "target", found);
  if (e.made.source == no_index || e.made.target == no_index)
    return;
  const draft_node& source = d.nodes[e.made.source];
  const draft_node& target = d.nodes[e.made.target];
  if (e.made.source == e.made.target) {
    found.error(source.id, e.field, "self_edge", source.id + " cannot follow itself");
    e.made.source = no_index;
    return;
  }
  check_source_port(source, e, found);
  check_target_port(target, e, found);
  e.made.closes_loop = target.spec != nullptr && target.spec->kind == node_kind::loop &&
                       e.made.kind == edge_kind::data && e.made.target_port == "loop_body";
}

/// Depth first, without recursion: definitions may be deep.
struct walker {
  const draft& d;
  faults& found;
  std::vector<std::uint8_t> colour; // 0 new, 1 on the path, 2 done
  std::vector<std::size_t> next;    // position in `out` of each node on the path
  std::vector<node_index> path;
  std::vector<bool> blamed;
  bool clean = true;

  void report(node_index back_to) {
    clean = false;
    const auto from = std::find(path.begin(), path.end(), back_to);
    if (std::any_of(from, path.end(), [this](node_index i) { return blamed[i]; }))
      return; // one message for each knot is enough
    std::string text;
    for (auto at = from; at != path.end(); ++at) {
      blamed[*at] = true;
      text += draft::label(d.nodes[*at]) + " -> ";
    }
    const auto& n = d.nodes[back_to];
    found.error(n.id, n.is_step ? "depends_on" : "edges", "cycle",
                "the nodes form a cycle: " + text + draft::label(n));
  }

  void step() {
    const node_index at = path.back();
    const auto& out = d.nodes[at].out;
    if (next[at] == out.size()) {
      colour[at] = 2;
      path.pop_back();
      return;
    }
    const plan_edge& e = d.edges[out[next[at]++]].made;
    if (e.closes_loop)
      return;
    if (colour[e.target] == 1) {
      report(e.target);
    } else if (colour[e.target] == 0) {
      colour[e.target] = 1;
      path.push_back(e.target);
    }
  }
};

} // namespace

void bind_edges(draft& d, faults& found) {
  for (auto& e : d.edges)
    check_edge(d, e, found);
  std::set<std::pair<node_index, node_index>> seen;
  std::erase_if(d.edges, [&seen](const draft_edge& e) {
    if (e.made.source == no_index || e.made.target == no_index)
      return true;
    return e.made.kind == edge_kind::order && // a dependency named twice is one
           !seen.emplace(e.made.source, e.made.target).second;
  });
}

bool check_cycles(const draft& d, faults& found) {
  const std::size_t n = d.nodes.size();
  walker w{d,
           found,
           std::vector<std::uint8_t>(n),
           std::vector<std::size_t>(n),
           {},
           std::vector<bool>(n)};
  for (node_index i = 0; i < n; ++i) {
    if (w.colour[i] != 0)
      continue;
    w.colour[i] = 1;
    w.path.push_back(i);
    while (!w.path.empty())
      w.step();
  }
  return w.clean;
}

} // namespace troupe::drafting

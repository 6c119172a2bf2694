// A definition while it is being compiled: nodes and edges of either form. Private to this folder.
#pragma once

#include "runtime/catalog/catalog.hpp"
#include "runtime/workflow/faults.hpp"
#include "runtime/workflow/plan.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

namespace troupe {
struct compile_context;
}

namespace troupe::drafting {

struct draft_edge {
  std::string source, target; ///< ids as written
  plan_edge made;             ///< node numbers are those of the draft
  std::int64_t index = 0;     ///< order among the inputs of the target
  const json::object* mapping = nullptr;
  std::string node;  ///< who is blamed: the source, or the step with the depends_on
  std::string field; ///< "edges[3]" or "depends_on[1]"
};

struct draft_node {
  std::string id, name, skill_type;
  const node_type* spec = nullptr; ///< empty: unknown, and reported
  const json::object* source = nullptr;
  json::object parameters; ///< as written and, after fill_parameters, with defaults
  std::string place;       ///< "steps[2]"
  bool is_step = false;
  bool direct = false;                ///< a registered skill: its parameters are not ours to check
  bool detached = false;              ///< no start of a run reaches it
  std::vector<std::uint32_t> in, out; ///< edge numbers; closing edges only in `out`
};

/// Holds pointers into `definition`: stays where it was made.
struct draft {
  explicit draft(json::object stored) : definition(std::move(stored)) {}
  draft(const draft&) = delete;
  draft& operator=(const draft&) = delete;

  const json::object definition;
  std::vector<draft_node> nodes;
  std::vector<draft_edge> edges;
  std::map<std::string, node_index, std::less<>> by_id, by_name; ///< the first of each
  std::set<std::string, std::less<>> notes;                      ///< ids of nodes that never run

  node_index find(std::string_view id_or_name) const noexcept;
  /// The node's id, or its place when it has none.
  static const std::string& label(const draft_node& n) noexcept {
    return n.id.empty() ? n.place : n.id;
  }
};

/// The ports that a node of this type and with these parameters sends from, in order.
std::vector<std::string> output_ports(const node_type& type, const json::object& parameters);

// Each reports what it finds and goes on; in this order they make a draft.
void read_steps(draft& d, const compile_context& context, faults& found);
void read_graph(draft& d, const compile_context& context, faults& found);
void check_names(draft& d, faults& found); ///< fills by_id and by_name; drops notes
void bind_edges(draft& d, faults& found);  ///< resolves ends and ports; drops edges that have none
void detach_unreached(draft& d, faults& found); ///< then fills in and out of the nodes
/// False when there is a cycle. Closing edges do not count.
bool check_cycles(const draft& d, faults& found);
/// Checks parameters against the catalogue and adds defaults.
void fill_parameters(draft_node& n, faults& found);
/// The rules of single node types, which no table holds.
void check_kind(draft_node& n, const draft& d, const compile_context& context, faults& found);

/// What a schema says about itself: types, bounds, enumerations.
void check_input_schema(const json::object& schema, faults& found);

/// Bodies of loops and streaming nodes. Gives each node its region and slot. Needs a draft without
/// cycles.
void make_regions(const draft& d, plan& p, faults& found);

// The parts of a plan.
void make_parameters(const draft_node& n, plan_node& to, faults& found);
void make_policies(const draft_node& n, const draft& d, const compile_context& context,
                   plan_node& to, faults& found);
void make_settings(const draft& d, const compile_context& context, plan& p, faults& found);
void make_outputs(const draft& d, plan& p, faults& found); ///< output_mapping, pins, variables

/// Whether what templates and expressions read is there, and before them. Needs a draft without
/// cycles.
void check_paths(const draft& d, const plan& p, faults& found);

/// Sorted by node in the order of the definition; those of the workflow first.
void sort_faults(const draft& d, std::vector<node_error>& list);

} // namespace troupe::drafting

// FLOW: the nodes that steer a run.
#include "runtime/catalog/rows.hpp"

namespace troupe::rows {

namespace {

node_type flow(std::string subtype, node_kind kind, std::string description) {
  node_type t;
  t.type = "FLOW";
  t.subtype = std::move(subtype);
  t.kind = kind;
  t.effect = effect_class::pure;
  t.description = std::move(description);
  t.inputs = {"main"};
  t.ui_type = "Standard";
  return t;
}

node_type if_row() {
  node_type t = flow("IF", node_kind::if_, "Sends its input to `true` or to `false`");
  t.parameters = {need("condition", type::expression, "What decides")};
  t.outputs = {"true", "false", "error"};
  return t;
}

node_type switch_row() {
  node_type t = flow("SWITCH", node_kind::switch_, "Sends its input to the port of a case");
  t.parameters = {
      need("switch_expression", type::expression, "Its value, as text, chooses the case"),
      literal(need("cases", type::object, "Value to port name")),
      literal(may("default_case", type::string, "Port for all other values", "default")),
  };
  t.outputs = {"default", "error"};
  return t;
}

node_type filter_row() {
  node_type t = flow("FILTER", node_kind::filter, "Splits a list in two");
  t.parameters = {
      need("filter_expression", type::expression, "Tested for each element, which is `item`"),
      literal(one_of(
          may("mode", type::enumeration, "What `main` gets: matches or the others", "include"),
          {"include", "exclude"})),
      may("items", type::list, "The list; the node's input by default", "{{ $json }}"),
  };
  t.outputs = {"main", "excluded", "error"};
  return t;
}

node_type loop_row() {
  node_type t = flow("LOOP", node_kind::loop, "Runs its body again and again");
  t.parameters = {
      literal(one_of(may("loop_type", type::enumeration, "What ends the loop", "foreach"),
                     {"foreach", "while", "for", "until"})),
      may("items", type::list, "foreach: the list; the node's input by default", "{{ $json }}"),
      at_least(may("count", type::integer, "for: how many iterations"), 0),
      may("condition", type::expression, "while, until: tested before or after each iteration"),
      literal(
          at_least(may("max_iterations", type::integer, "Needing more fails the node", 1000), 1)),
      literal(may("parallel_execution", type::boolean, "Iterations run side by side", false)),
      literal(at_least(may("batch_size", type::integer,
                           "parallel_execution: iterations at once; 1 leaves it at 64", 1),
                       1)),
  };
  t.inputs = {"main", "loop_body"};
  t.outputs = {"iteration", "complete", "error"};
  return t;
}

node_type merge_row() {
  node_type t = flow("MERGE", node_kind::merge, "Joins branches");
  t.parameters = {
      literal(one_of(may("merge_type", type::enumeration, "How values become one", "concat"),
                     {"concat", "union", "intersection", "join"})),
      may("join_key", type::string, "join: the member that must be equal"),
      literal(may("wait_for_all", type::boolean, "false: the first value goes on", true)),
      literal(at_least(
          may("timeout", type::number, "Seconds to wait after the first value; no limit if absent"),
          0)),
      literal(one_of(may("on_timeout", type::enumeration, "What a timeout means", "fail"),
                     {"continue", "fail"})),
  };
  t.outputs = {"main"};
  return t;
}

node_type wait_row() {
  node_type t = flow("WAIT", node_kind::wait, "Waits for time, a condition or a signal");
  t.parameters = {
      literal(one_of(need("wait_type", type::enumeration, "What is waited for"),
                     {"fixed_delay", "until_time", "until_condition", "for_signal"})),
      at_least(may("duration_seconds", type::number, "fixed_delay: how long"), 0),
      may("wait_until", type::string, "until_time: an RFC 3339 time"),
      may("condition", type::expression, "until_condition: goes on when true"),
      may("signal_name", type::string, "for_signal: the signal's name"),
      between(may("check_interval_seconds", type::number, "until_condition: between tests", 10), 1,
              86'400),
      at_least(may("max_wait", type::number,
                   "Seconds until port `timeout`; 3600 for conditions and signals"),
               0),
  };
  t.inputs = {"main", "signal"};
  t.outputs = {"main", "timeout"};
  return t;
}

} // namespace

void add_flow(std::vector<node_type>& types) {
  for (auto row : {if_row, switch_row, filter_row, loop_row, merge_row, wait_row})
    types.push_back(row());
}

} // namespace troupe::rows

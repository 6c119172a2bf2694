// ACTION: requests, transformations and variables.
#include "runtime/catalog/rows.hpp"

namespace troupe::rows {

namespace {

node_type action(std::string subtype, node_kind kind, effect_class effect,
                 std::string description) {
  node_type t;
  t.type = "ACTION";
  t.subtype = std::move(subtype);
  t.kind = kind;
  t.effect = effect;
  t.description = std::move(description);
  t.inputs = {"main"};
  t.outputs = {"main", "error"};
  t.ui_type = "Standard";
  return t;
}

node_type http_request_row() {
  node_type t = action("HTTP_REQUEST", node_kind::skill, effect_class::io,
                       "Calls an HTTP service; the output is {status, headers, body}");
  t.skill_type = "http_request";
  t.parameters = {
      need("url", type::url, "http or https"),
      one_of(may("method", type::enumeration, "The method", "GET"),
             {"GET", "POST", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"}),
      may("query", type::object, "Parameters added to the URL"),
      may("headers", type::object, "Header names and values"),
      may("body", type::any, "Text as it is, anything else as JSON"),
      may("auth", type::object, "{type: none, bearer, basic or api_key, …}"),
      between(may("timeout_seconds", type::number, "For the whole exchange", 30), 0.001, 86'400),
      may("follow_redirects", type::boolean, "At most ten", true),
      may("verify_tls", type::boolean, "Checks certificates", true),
      may("allowed_statuses", type::list, "Statuses outside 2xx that are successes"),
      between(may("max_response_bytes", type::integer, "A larger answer is a failure"), 1,
              1'073'741'824),
  };
  return t;
}

node_type data_transformation_row() {
  node_type t = action("DATA_TRANSFORMATION", node_kind::transform, effect_class::pure,
                       "Filters, maps, reduces, sorts, groups, joins or aggregates a list");
  t.parameters = {
      literal(one_of(need("transformation_type", type::enumeration, "What is done"),
                     {"filter", "map", "reduce", "sort", "group", "join", "aggregate", "custom"})),
      literal(need("transformation_rule", type::any,
                   "An expression over `item` (and `index`; `acc` in reduce; `items` in custom); "
                   "join: {items, key, other_key}; aggregate: {sum, avg, min, max, count}")),
      may("items", type::any, "The list; the node's input by default", "{{ $json }}"),
      may("initial", type::any, "reduce: the first `acc`"),
      literal(may("descending", type::boolean, "sort: largest first", false)),
      literal(one_of(may("error_handling", type::enumeration, "When an element fails", "fail"),
                     {"skip", "fail", "default_value"})),
      may("default_value", type::any, "default_value: what replaces the element's result"),
  };
  return t;
}

node_type set_variable_row() {
  node_type t = action("SET_VARIABLE", node_kind::set_variable, effect_class::pure,
                       "Sets a variable of the run, read as vars.NAME");
  t.parameters = {
      need("name", type::string, "Which variable"),
      need("value", type::any, "Its new value"),
  };
  return t;
}

} // namespace

void add_actions(std::vector<node_type>& types) {
  for (auto row : {http_request_row, data_transformation_row, set_variable_row})
    types.push_back(row());
}

} // namespace troupe::rows

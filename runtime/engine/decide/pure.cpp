// Nodes without effects: a chain of them costs one commit.
#include "runtime/engine/decide/turn.hpp"

namespace troupe::deciding {

namespace {

const expr::expression* expression_of(const plan_node& node, std::string_view name) {
  const auto found = node.expressions.find(std::string{name});
  return found == node.expressions.end() ? nullptr : &found->second;
}

void fail_missing(turn& t, const slot_ref& at, std::string_view name) {
  fail(
      t, at,
      {"parameter_missing", "The parameter '" + std::string{name} + "' is missing.", 0, false, {}});
}

} // namespace

void run_if(turn& t, const slot_ref& at, const shared_value& input) {
  const auto* condition = expression_of(t.node_at(at), "condition");
  if (!condition)
    return fail_missing(t, at, "condition");
  const auto holds = t.holds(*condition, run_names{t.p, t.s, t.c.blobs, at.scope, input});
  if (!holds)
    return fail(t, at, to_error(holds.error()));
  complete(t, at, t.keep(input), *holds ? "true" : "false");
}

void run_switch(turn& t, const slot_ref& at, const shared_value& input) {
  const auto& node = t.node_at(at);
  const auto* expression = expression_of(node, "switch_expression");
  if (!expression)
    return fail_missing(t, at, "switch_expression");
  const auto value = t.evaluate(*expression, run_names{t.p, t.s, t.c.blobs, at.scope, input});
  if (!value)
    return fail(t, at, to_error(value.error()));
  std::string port = "default";
  if (const auto* other = node.constants.if_contains("default_case"); other && other->is_string())
    port = other->get_string().c_str();
  if (const auto* cases = node.constants.if_contains("cases"); cases && cases->is_object())
    if (const auto* taken = cases->get_object().if_contains(expr::to_text(*value));
        taken && taken->is_string())
      port = taken->get_string().c_str();
  complete(t, at, t.keep(input), std::move(port));
}

void run_filter(turn& t, const slot_ref& at, const shared_value& input) {
  const auto& node = t.node_at(at);
  const auto* expression = expression_of(node, "filter_expression");
  if (!expression)
    return fail_missing(t, at, "filter_expression");
  const auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  const auto* given = parameters->if_contains("items");
  const json::value& items = given && !given->is_null() ? *given : *input;
  if (!items.is_array())
    return fail(t, at,
                {"expression_type", "FILTER needs a list: its input is none.", 0, false, {}});
  const auto* mode = parameters->if_contains("mode");
  const bool exclude = mode && mode->is_string() && mode->get_string() == "exclude";
  json::array in, out;
  json::object overlay;
  for (const auto& item : items.get_array()) {
    overlay["item"] = item;
    overlay["index"] = in.size() + out.size();
    const auto holds =
        t.holds(*expression, run_names{t.p, t.s, t.c.blobs, at.scope, input, &overlay});
    if (!holds)
      return fail(t, at, to_error(holds.error()));
    (*holds != exclude ? in : out).push_back(item);
  }
  complete(t, at,
           {{"main", t.keep(json::value(std::move(in)))},
            {"excluded", t.keep(json::value(std::move(out)))}});
}

void run_variable(turn& t, const slot_ref& at, const shared_value& input) {
  const auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  const auto* name = parameters->if_contains("name");
  const auto* value = parameters->if_contains("value");
  if (!name || !name->is_string())
    return fail_missing(t, at, "name");
  const auto kept = t.keep(value ? *value : json::value(nullptr));
  t.emit(events::variable_set{t.place_at(at), name->get_string().c_str(), kept});
  complete(t, at, kept);
}

void run_output(turn& t, const slot_ref& at, const shared_value& input) {
  const auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  const auto* value = parameters->if_contains("value");
  complete(t, at, t.keep(value ? share(*value) : input));
}

} // namespace troupe::deciding

// Where runs begin and end, people, other workflows, notes and skills.
#include "runtime/catalog/rows.hpp"

namespace troupe::rows {

namespace {

node_type structure(std::string name, std::string subtype, node_kind kind, effect_class effect,
                    std::string description) {
  node_type t;
  t.type = std::move(name);
  t.subtype = std::move(subtype);
  t.kind = kind;
  t.effect = effect;
  t.description = std::move(description);
  t.inputs = {"main"};
  t.outputs = {"main", "error"};
  t.ui_type = "Standard";
  return t;
}

node_type manual_row() {
  node_type t = structure("TRIGGER", "MANUAL", node_kind::trigger, effect_class::pure,
                          "Where a run starts; its output is the run's input");
  t.parameters = {may("trigger_name", type::string, "A name for people"),
                  may("description", type::string, "What starts this workflow")};
  t.inputs = {};
  t.outputs = {"main"};
  t.ui_type = "Input";
  return t;
}

node_type app_row() {
  node_type t = structure("HUMAN_IN_THE_LOOP", "APP", node_kind::human, effect_class::pure,
                          "Asks a person and waits for the answer");
  t.parameters = {
      literal(one_of(need("notification_type", type::enumeration, "What is asked for"),
                     {"approval", "input", "review", "confirmation"})),
      may("title", type::string, "One line"),
      need("message", type::string, "What the person reads"),
      may("form", type::object, "JSON Schema of the answer"),
      at_least(may("timeout_minutes", type::number, "Until the deadline", 60), 0),
      literal(one_of(may("timeout_action", type::enumeration,
                         "At the deadline; by default continue when port `timeout` has an edge, "
                         "else fail"),
                     {"fail", "continue", "default"})),
      may("default_response", type::any, "default: taken as the answer"),
      one_of(may("priority", type::enumeration, "For the list of reviews", "normal"),
             {"low", "normal", "high", "urgent"}),
  };
  t.outputs = {"approved", "rejected", "completed", "timeout"};
  t.ui_type = "Human In The Loop";
  return t;
}

node_type subworkflow_row() {
  node_type t = structure("SUBWORKFLOW", "SUBWORKFLOW", node_kind::subworkflow, effect_class::pure,
                          "Runs another workflow and waits for its output");
  t.parameters = {
      need("workflow_id", type::string, "Which workflow"),
      at_least(may("version", type::integer, "The active one by default"), 1),
      may("input", type::any, "Its input; the node's input by default", "{{ $json }}"),
  };
  t.ui_type = "Agent";
  return t;
}

node_type output_row() {
  node_type t = structure("OUTPUT", "OUTPUT", node_kind::output, effect_class::pure,
                          "Names a value of the run's output");
  t.parameters = {
      may("name", type::string, "Key in the run's output; the node's name by default"),
      may("value", type::any, "The value; the node's input by default", "{{ $json }}"),
  };
  t.outputs = {"main"};
  t.ui_type = "Output";
  return t;
}

node_type note_row() {
  node_type t = structure("NOTE", "NOTE", node_kind::output, effect_class::pure,
                          "Text for the people who read the workflow; never runs");
  t.parameters = {may("text", type::string, "The note")};
  t.inputs = {};
  t.outputs = {};
  t.executable = false;
  t.ui_type = "Note";
  return t;
}

node_type skill_row() {
  node_type t =
      structure("SKILL", "SKILL", node_kind::skill, effect_class::io, "Runs a registered skill");
  t.parameters = {
      literal(need("skill_type", type::string, "Which skill")),
      may("parameters", type::object, "What the skill gets", json::object()),
  };
  return t;
}

node_type echo_row() {
  node_type t = structure("SKILL", "ECHO", node_kind::skill, effect_class::immediate,
                          "Returns its parameters");
  t.skill_type = "echo";
  return t;
}

} // namespace

void add_structure(std::vector<node_type>& types) {
  for (auto row : {manual_row, app_row, subworkflow_row, output_row, note_row, skill_row, echo_row})
    types.push_back(row());
}

} // namespace troupe::rows

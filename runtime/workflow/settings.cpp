// What a definition says about the whole run: settings, variables, pins, output.
#include "runtime/base/instant.hpp"
#include "runtime/workflow/compile.hpp"
#include "runtime/workflow/draft.hpp"
#include "runtime/workflow/shape.hpp"

#include <cmath>

namespace troupe::drafting {

namespace {

constexpr field_rule setting_rules[] = {
    {"timezone", shape::text},
    {"timeout_seconds", shape::number},
    {"timeout", shape::number},
    {"error_policy", shape::text},
    {"caller_policy", shape::text},
    {"max_parallel_steps", shape::whole},
    {"max_concurrent_executions", shape::whole},
    {"budget", shape::map},
    {"save_execution_progress", shape::flag},
    {"save_manual_executions", shape::flag},
};

class settings_maker {
public:
  settings_maker(const json::object& settings, const compile_context& context, plan& p,
                 faults& found)
      : s_(settings), context_(context), p_(p), found_(found) {}

  void run() {
    p_.settings = s_;
    json::object copy = s_;
    apply(setting_rules, copy, "", "settings.", found_);
    make_timeout();
    check_timezone();
    make_error_policy();
    p_.limits.parallel_steps_max = limit("max_parallel_steps");
    p_.limits.concurrent_executions_max = limit("max_concurrent_executions");
    if (const json::value* budget = member(s_, "budget"); budget && budget->is_object())
      make_budget(budget->get_object());
  }

private:
  void error(const std::string& field, std::string code, std::string message) {
    found_.error("", "settings." + field, std::move(code), std::move(message));
  }

  void make_timeout() {
    const std::string key = member(s_, "timeout_seconds") ? "timeout_seconds" : "timeout";
    const json::value* v = member(s_, key);
    const auto seconds = v == nullptr ? std::nullopt : number_of(*v);
    if (!seconds)
      return;
    const auto low = static_cast<double>(context_.limits.timeout_min.count()) / 1'000;
    const auto high = static_cast<double>(context_.limits.timeout_max.count()) / 1'000;
    if (*seconds >= low && *seconds <= high) {
      p_.timeout = milliseconds(std::llround(*seconds * 1'000));
      return;
    }
    std::string range;
    json::write_number(range, low);
    range += " to ";
    json::write_number(range, high);
    error(key, "out_of_range", key + " must be from " + range);
  }

  void check_timezone() {
    const std::string zone = text_at(s_, "timezone");
    if (!zone.empty() && context_.limits.zone_known && !context_.limits.zone_known(zone))
      error("timezone", "unknown_timezone",
            "there is no time zone \"" + zone + "\"; use an IANA name such as Europe/Berlin");
  }

  void make_error_policy() {
    const std::string word = text_at(s_, "error_policy");
    if (word == "continue")
      p_.continue_on_error = true;
    else if (!word.empty() && word != "stop")
      error("error_policy", "bad_value", "error_policy must be stop or continue");
  }

  std::uint32_t limit(const std::string& key) {
    const json::value* v = member(s_, key);
    const auto n = v == nullptr ? std::nullopt : number_of(*v);
    if (!n || !has_shape(*v, shape::whole))
      return 0;
    if (*n < 0 || *n > 1'000'000) {
      error(key, "out_of_range", key + " must be from 0 (no limit) to 1000000");
      return 0;
    }
    return static_cast<std::uint32_t>(*n);
  }

  void make_budget(const json::object& budget) {
    for (const auto& entry : budget) {
      const std::string key(entry.key());
      const auto n = number_of(entry.value());
      if (key != "cost" && key != "tokens" && key != "steps" && key != "seconds")
        error("budget." + key, "bad_value", "a budget has cost, tokens, steps and seconds");
      else if (!n && !entry.value().is_null())
        error("budget." + key, "wrong_type", key + " must be a number");
      else if (n && (*n < 0 || *n > 9e15))
        error("budget." + key, "out_of_range", key + " must be 0 or more");
      else if (n && key == "steps")
        p_.limits.steps_max = static_cast<std::uint64_t>(*n);
    }
  }

  const json::object& s_;
  const compile_context& context_;
  plan& p_;
  faults& found_;
};

void make_variables(const draft& d, plan& p) {
  for (const std::string_view key : {"variables", "vars"})
    if (const json::value* v = member(d.definition, key))
      for (const auto& entry : v->as_object())
        p.variables[entry.key()] = entry.value();
}

void make_output_mapping(const json::object& mapping, plan& p, faults& found) {
  for (const auto& entry : mapping) {
    const std::string key(entry.key());
    auto made = expr::compile(entry.value());
    if (made)
      p.output_mapping.emplace_back(key, std::move(*made));
    else
      found.error("", "output_mapping." + key, made.error().code, made.error().message);
  }
}

} // namespace

void make_settings(const draft& d, const compile_context& context, plan& p, faults& found) {
  p.workflow_id = text_at(d.definition, "id");
  p.workflow_name = text_at(d.definition, "name");
  if (p.workflow_name.find_first_not_of(" \t\r\n") == std::string::npos)
    found.error("", "name", "missing_name", "the workflow needs a name");
  if (const json::value* v = member(d.definition, "version"); v != nullptr && v->is_int64())
    p.workflow_version = static_cast<std::uint32_t>(v->get_int64());
  settings_maker(d.definition.at("settings").as_object(), context, p, found).run();
}

void make_outputs(const draft& d, plan& p, faults& found) {
  make_variables(d, p);
  if (const json::value* mapping = member(d.definition, "output_mapping"))
    make_output_mapping(mapping->as_object(), p, found);
  if (const json::value* schema = member(d.definition, "input_schema")) {
    p.input_schema = schema->as_object();
    check_input_schema(p.input_schema, found);
  }
  const json::value* pins = member(d.definition, "pin_data");
  if (pins == nullptr)
    return;
  for (const auto& entry : pins->as_object()) {
    const std::string key(entry.key());
    const node_index i = d.find(key);
    if (i == no_index)
      found.warn("", "pin_data." + key, "unknown_node", "there is no node \"" + key + "\"");
    else
      p.nodes[i].pin = share(entry.value());
  }
}

} // namespace troupe::drafting

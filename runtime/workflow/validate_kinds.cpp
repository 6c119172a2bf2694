// The rules of single node types, which no table holds.
#include "runtime/base/instant.hpp"
#include "runtime/workflow/compile.hpp"
#include "runtime/workflow/draft.hpp"
#include "runtime/workflow/shape.hpp"

#include <algorithm>
#include <array>

namespace troupe::drafting {

namespace {

class kind_checker {
public:
  kind_checker(draft_node& n, const draft& d, const compile_context& context, faults& found)
      : n_(n), d_(d), context_(context), found_(found) {}

  void run() {
    switch (n_.spec->kind) {
    case node_kind::switch_: return check_switch();
    case node_kind::loop: return check_loop();
    case node_kind::merge: return check_merge();
    case node_kind::wait: return check_wait();
    case node_kind::human: return check_human();
    case node_kind::transform: return check_transform();
    case node_kind::output: return name_output();
    case node_kind::skill: return check_skill();
    default: return;
    }
  }

private:
  void error(const std::string& parameter, std::string code, std::string message) {
    found_.error(n_.id, "parameters." + parameter, std::move(code), std::move(message));
  }

  void require(const std::string& parameter, const std::string& when) {
    if (member(n_.parameters, parameter) == nullptr)
      error(parameter, "missing_parameter", when + " needs " + parameter);
  }

  bool sends_from(std::string_view port) const {
    return std::any_of(n_.out.begin(), n_.out.end(), [&](std::uint32_t i) {
      return d_.edges[i].made.source_port == port && d_.edges[i].made.kind == edge_kind::data;
    });
  }

  void check_switch() {
    const json::value* cases = member(n_.parameters, "cases");
    if (cases == nullptr || !cases->is_object())
      return;
    if (cases->get_object().empty())
      error("cases", "missing_parameter", "cases must name at least one value");
    for (const auto& entry : cases->get_object())
      if (!entry.value().is_string() || entry.value().get_string().empty())
        error("cases." + std::string(entry.key()), "wrong_type", "a case must name a port");
      else if (entry.value().get_string() == "error")
        error("cases." + std::string(entry.key()), "bad_value",
              "port error is for failures; choose another name");
  }

  void check_loop() {
    const std::string type = text_at(n_.parameters, "loop_type");
    if (type == "while" || type == "until")
      require("condition", "loop_type " + type);
    if (type == "for")
      require("count", "loop_type for");
    const json::value* most = member(n_.parameters, "max_iterations");
    if (most != nullptr &&
        number_of(*most).value_or(0) > static_cast<double>(context_.limits.loop_iterations_max))
      error("max_iterations", "out_of_range",
            "max_iterations must be at most " +
                std::to_string(context_.limits.loop_iterations_max));
    if (n_.is_step)
      found_.error(n_.id, "skill_type", "needs_graph_form",
                   "a loop needs ports, which only nodes and edges have");
    else if (!sends_from("iteration"))
      found_.error(n_.id, "", "loop_without_body", "no edge leaves port iteration");
    else if (std::none_of(d_.edges.begin(), d_.edges.end(), [this](const draft_edge& e) {
               return e.made.closes_loop && &d_.nodes[e.made.target] == &n_;
             }))
      found_.warn(n_.id, "", "loop_without_return",
                  "no edge leads into loop_body: the results will be null");
  }

  void check_merge() {
    if (text_at(n_.parameters, "merge_type") == "join")
      require("join_key", "merge_type join");
  }

  void check_wait() {
    const std::string type = text_at(n_.parameters, "wait_type");
    if (type == "fixed_delay")
      require("duration_seconds", "wait_type fixed_delay");
    if (type == "until_time")
      require("wait_until", "wait_type until_time");
    if (type == "until_condition")
      require("condition", "wait_type until_condition");
    if (type == "for_signal")
      require("signal_name", "wait_type for_signal");
    const std::string until = text_at(n_.parameters, "wait_until");
    if (!until.empty() && until.find("{{") == std::string::npos && !instant_from_text(until))
      error("wait_until", "bad_value", "wait_until must be an RFC 3339 time with zone");
    if ((type == "until_condition" || type == "for_signal") &&
        member(n_.parameters, "max_wait") == nullptr)
      n_.parameters["max_wait"] = 3'600;
  }

  void check_human() {
    if (member(n_.parameters, "timeout_action") == nullptr)
      n_.parameters["timeout_action"] = sends_from("timeout") ? "continue" : "fail";
    if (text_at(n_.parameters, "timeout_action") == "default")
      require("default_response", "timeout_action default");
  }

  void check_transform() {
    const std::string type = text_at(n_.parameters, "transformation_type");
    const json::value* rule = member(n_.parameters, "transformation_rule");
    if (rule == nullptr)
      return;
    if (type == "join")
      return check_join(*rule);
    if (type == "aggregate" && rule->is_object())
      return check_aggregate(rule->get_object());
    if (!rule->is_string() && !rule->is_bool() && !rule->is_number())
      error("transformation_rule", "wrong_type", "the rule of " + type + " must be an expression");
    if (text_at(n_.parameters, "error_handling") == "default_value")
      require("default_value", "error_handling default_value");
  }

  void check_join(const json::value& rule) {
    if (!rule.is_object())
      return error("transformation_rule", "wrong_type",
                   "the rule of join must be an object {items, key, other_key}");
    for (const std::string key : {"items", "key"})
      if (member(rule.get_object(), key) == nullptr)
        error("transformation_rule." + key, "missing_parameter", "join needs " + key);
    for (const std::string key : {"key", "other_key"})
      if (const json::value* v = member(rule.get_object(), key); v != nullptr && !v->is_string())
        error("transformation_rule." + key, "wrong_type", key + " must be an expression");
  }

  void check_aggregate(const json::object& rule) {
    static constexpr std::array<std::string_view, 5> words{"sum", "avg", "min", "max", "count"};
    for (const auto& entry : rule) {
      const std::string key(entry.key());
      if (std::find(words.begin(), words.end(), key) == words.end())
        error("transformation_rule." + key, "bad_value",
              "aggregate knows sum, avg, min, max and count");
      else if (!entry.value().is_string() && !entry.value().is_bool())
        error("transformation_rule." + key, "wrong_type", key + " must be an expression");
    }
    if (rule.empty())
      error("transformation_rule", "missing_parameter",
            "aggregate needs at least one of sum, "
            "avg, min, max and count");
  }

  void name_output() {
    if (member(n_.parameters, "name") == nullptr)
      n_.parameters["name"] = text_value(n_.name);
  }

  void check_skill() {
    if (n_.spec->skill_type != "http_request" || n_.direct)
      return;
    const json::value* auth = member(n_.parameters, "auth");
    if (auth != nullptr && auth->is_object()) {
      static constexpr std::array<std::string_view, 4> kinds{"none", "bearer", "basic", "api_key"};
      const std::string kind = text_at(auth->get_object(), "type");
      if (kind.find("{{") == std::string::npos &&
          std::find(kinds.begin(), kinds.end(), kind) == kinds.end())
        error("auth.type", "bad_value", "auth.type must be none, bearer, basic or api_key");
    }
    const json::value* statuses = member(n_.parameters, "allowed_statuses");
    if (statuses != nullptr && statuses->is_array())
      for (const auto& each : statuses->get_array())
        if (!each.is_int64() || each.get_int64() < 100 || each.get_int64() > 599)
          error("allowed_statuses", "out_of_range", "a status is a number from 100 to 599");
  }

  draft_node& n_;
  const draft& d_;
  const compile_context& context_;
  faults& found_;
};

} // namespace

void check_kind(draft_node& n, const draft& d, const compile_context& context, faults& found) {
  if (n.spec != nullptr && !n.direct)
    kind_checker(n, d, context, found).run();
}

} // namespace troupe::drafting

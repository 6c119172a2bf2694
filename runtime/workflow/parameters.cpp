// Parameters of a node, split into what is rendered and what is evaluated.
#include "runtime/workflow/draft.hpp"

#include "runtime/workflow/shape.hpp"

#include <algorithm>

namespace troupe::drafting {

namespace {

class parameter_maker {
public:
  parameter_maker(const draft_node& n, plan_node& to, faults& found)
      : n_(n), to_(to), found_(found), rendered_(n.parameters) {}

  void run() {
    to_.constants = n_.parameters;
    if (n_.spec != nullptr && !n_.direct) {
      if (n_.spec->kind == node_kind::transform)
        take_rule();
      for (const auto& p : n_.spec->parameters)
        if (p.type == parameter_type::expression)
          take(p.name);
    }
    if (const json::value* credentials = member(*n_.source, "credentials"))
      if (n_.spec != nullptr && n_.spec->kind == node_kind::skill &&
          !rendered_.contains("credentials"))
        rendered_["credentials"] = *credentials;
    make_template();
  }

private:
  static std::string text_of(const json::value& v) {
    return v.is_string() ? std::string(std::string_view(v.get_string())) : json::write(v);
  }

  void parse(const std::string& name, const std::string& field, const std::string& text) {
    auto made = expr::parse(text);
    if (made)
      to_.expressions[name] = std::move(*made);
    else
      found_.error(n_.id, "parameters." + field, made.error().code, made.error().message);
  }

  void take(const std::string& name) {
    const json::value* v = member(rendered_, name);
    if (v != nullptr && (v->is_string() || v->is_bool() || v->is_number()))
      parse(name, name, text_of(*v));
    rendered_.erase(name);
  }

  /// A lone name as a key means that member of the element.
  static std::string key_text(const std::string& text) {
    const bool name = !text.empty() && text != "item" && text != "index" && text != "true" &&
                      text != "false" && text != "null" &&
                      !(text.front() >= '0' && text.front() <= '9') &&
                      std::all_of(text.begin(), text.end(), [](char c) {
                        return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
                               (c >= '0' && c <= '9') || c == '_';
                      });
    return name ? "item[\"" + text + "\"]" : text;
  }

  void take_rule() {
    const json::value* rule = member(rendered_, "transformation_rule");
    if (rule == nullptr)
      return;
    const std::string type = text_at(n_.parameters, "transformation_type");
    if (!rule->is_object()) {
      const std::string text = text_of(*rule);
      parse("transformation_rule", "transformation_rule",
            type == "group" || type == "sort" ? key_text(text) : text);
      rendered_.erase("transformation_rule");
    } else if (type == "join") {
      take_join(json::object(rule->get_object()));
    } else if (type == "aggregate") {
      for (const auto& entry : rule->get_object())
        if (entry.value().is_string() || entry.value().is_bool())
          parse(std::string(entry.key()), "transformation_rule." + std::string(entry.key()),
                key_text(text_of(entry.value())));
      rendered_.erase("transformation_rule");
    }
  }

  /// `key` and `other_key` are evaluated per element; `items` is rendered once.
  void take_join(json::object rule) {
    const std::string key = text_at(rule, "key");
    const std::string other = text_at(rule, "other_key");
    if (!key.empty())
      parse("key", "transformation_rule.key", key_text(key));
    if (!key.empty() || !other.empty())
      parse("other_key", "transformation_rule.other_key", key_text(other.empty() ? key : other));
    rule.erase("key");
    rule.erase("other_key");
    rendered_["transformation_rule"] = std::move(rule);
  }

  void make_template() {
    auto made = expr::compile(rendered_);
    if (made) {
      to_.parameters = std::move(*made);
      return;
    }
    for (const auto& entry : rendered_) { // one fault for each parameter
      const auto part = expr::compile(json::object{{entry.key(), entry.value()}});
      if (part)
        continue;
      const std::string& message = part.error().message;
      const auto colon = message.find(": ");
      found_.error(n_.id,
                   "parameters." + (message.starts_with(std::string_view(entry.key())) &&
                                            colon != std::string::npos
                                        ? message.substr(0, colon)
                                        : std::string(entry.key())),
                   part.error().code, message);
    }
  }

  const draft_node& n_;
  plan_node& to_;
  faults& found_;
  json::object rendered_;
};

} // namespace

void make_parameters(const draft_node& n, plan_node& to, faults& found) {
  parameter_maker(n, to, found).run();
}

} // namespace troupe::drafting

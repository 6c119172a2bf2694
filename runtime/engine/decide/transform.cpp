// ACTION/DATA_TRANSFORMATION: lists filtered, mapped, sorted, grouped, joined, aggregated.
#include "runtime/engine/decide/turn.hpp"

#include <algorithm>
#include <limits>

namespace troupe::deciding {

namespace {

/// One transformation under way: the node, its rendered parameters and what its rules see.
class transformation {
public:
  transformation(turn& t, const slot_ref& at, const shared_value& input,
                 const json::object& parameters)
      : t_(t), at_(at), input_(input), parameters_(parameters), holder_(parameters),
        handling_(json::text_or(holder_, "error_handling", "fail")) {}

  result<json::value> run() {
    const auto type = json::text_or(holder_, "transformation_type", "custom");
    if (type == "custom") {
      const auto* given = parameters_.if_contains("items");
      overlay_["items"] = given && !given->is_null() ? *given : *input_;
      return rule("transformation_rule");
    }
    const auto items = list();
    if (!items)
      return items.error();
    if (type == "filter")
      return filter(*items);
    if (type == "map")
      return map(*items);
    if (type == "reduce")
      return reduce(*items);
    if (type == "sort")
      return sort(*items);
    if (type == "group")
      return group(*items);
    if (type == "join")
      return join(*items);
    return aggregate(*items);
  }

private:
  result<json::array> list() const {
    const auto* given = parameters_.if_contains("items");
    const json::value& items = given && !given->is_null() ? *given : *input_;
    if (!items.is_array())
      return invalid("expression_type", "DATA_TRANSFORMATION needs a list: its input is none.");
    return items.get_array();
  }

  const expr::expression* find(const std::string& name) const {
    const auto& all = t_.node_at(at_).expressions;
    const auto found = all.find(name);
    return found == all.end() ? nullptr : &found->second;
  }

  result<json::value> rule(const std::string& name) {
    const auto* e = find(name);
    if (!e)
      return invalid("parameter_missing", "The parameter '" + name + "' is missing.");
    return t_.evaluate(*e, run_names{t_.p, t_.s, t_.c.blobs, at_.scope, input_, &overlay_});
  }

  /// The rule's value for one element; nothing when it failed and failures are skipped.
  result<std::optional<json::value>> of(const json::value& item, std::size_t index,
                                        const std::string& name = "transformation_rule") {
    overlay_["item"] = item;
    overlay_["index"] = index;
    auto value = rule(name);
    if (value)
      return std::optional<json::value>{std::move(*value)};
    if (handling_ == "skip")
      return std::optional<json::value>{};
    if (handling_ == "default_value") {
      const auto* given = parameters_.if_contains("default_value");
      return std::optional<json::value>{given ? *given : json::value(nullptr)};
    }
    return std::move(value).error();
  }

  result<json::value> filter(const json::array& items) {
    json::array out;
    for (std::size_t i = 0; i < items.size(); ++i) {
      const auto kept = of(items[i], i);
      if (!kept)
        return kept.error();
      if (*kept && expr::truthy(**kept))
        out.push_back(items[i]);
    }
    return json::value(std::move(out));
  }

  result<json::value> map(const json::array& items) {
    json::array out;
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto made = of(items[i], i);
      if (!made)
        return made.error();
      if (*made)
        out.push_back(std::move(**made));
    }
    return json::value(std::move(out));
  }

  result<json::value> reduce(const json::array& items) {
    const auto* initial = parameters_.if_contains("initial");
    json::value acc = initial ? *initial : json::value(nullptr);
    for (std::size_t i = 0; i < items.size(); ++i) {
      overlay_["acc"] = acc;
      auto next = of(items[i], i);
      if (!next)
        return next.error();
      if (*next)
        acc = std::move(**next);
    }
    return acc;
  }

  using keyed = std::vector<std::pair<json::value, std::size_t>>;
  result<keyed> keys_of(const json::array& items, const std::string& name) {
    keyed all;
    for (std::size_t i = 0; i < items.size(); ++i) {
      auto key = of(items[i], i, name);
      if (!key)
        return key.error();
      if (*key)
        all.emplace_back(std::move(**key), i);
    }
    return all;
  }

  /// Numbers before texts before all else; stable, so equal keys keep their order.
  static bool before(const json::value& a, const json::value& b) {
    if (a.is_number() && b.is_number())
      return a.to_number<double>() < b.to_number<double>();
    if (a.is_string() && b.is_string())
      return a.get_string() < b.get_string();
    if (a.is_bool() && b.is_bool())
      return !a.get_bool() && b.get_bool();
    const auto rank = [](const json::value& v) {
      return v.is_number() ? 0 : v.is_string() ? 1 : 2;
    };
    return rank(a) < rank(b);
  }

  result<json::value> sort(const json::array& items) {
    keyed keys;
    if (find("transformation_rule")) {
      auto computed = keys_of(items, "transformation_rule");
      if (!computed)
        return computed.error();
      keys = std::move(*computed);
    } else {
      for (std::size_t i = 0; i < items.size(); ++i)
        keys.emplace_back(items[i], i);
    }
    const auto* flag = parameters_.if_contains("descending");
    const bool descending = flag && flag->is_bool() && flag->get_bool();
    std::stable_sort(keys.begin(), keys.end(), [&](const auto& a, const auto& b) {
      return descending ? before(b.first, a.first) : before(a.first, b.first);
    });
    json::array out;
    for (const auto& [key, i] : keys)
      out.push_back(items[i]);
    return json::value(std::move(out));
  }

  result<json::value> group(const json::array& items) {
    const auto keys = keys_of(items, "transformation_rule");
    if (!keys)
      return keys.error();
    json::object groups;
    for (const auto& [key, i] : *keys) {
      auto& members = groups[expr::to_text(key)];
      if (!members.is_array())
        members = json::array{};
      members.get_array().push_back(items[i]);
    }
    return json::value(std::move(groups));
  }

  result<json::value> join(const json::array& items) {
    const auto* given = parameters_.if_contains("transformation_rule");
    const auto* others = given ? json::find(*given, "items") : nullptr;
    if (!others || !others->is_array())
      return invalid("expression_type", "join needs a list in transformation_rule.items.");
    const auto left = keys_of(items, "key");
    if (!left)
      return left.error();
    const auto right = keys_of(others->get_array(), find("other_key") ? "other_key" : "key");
    if (!right)
      return right.error();
    std::map<std::string, std::vector<std::size_t>> index;
    for (const auto& [key, i] : *right)
      index[json::write(key)].push_back(i);
    json::array out;
    for (const auto& [key, i] : *left)
      for (const auto j : index[json::write(key)]) {
        if (out.size() >= joined_rows_max)
          return invalid("expression_budget",
                         "join makes more than " + std::to_string(joined_rows_max) + " rows.");
        out.push_back(combined(items[i], others->get_array()[j]));
      }
    return json::value(std::move(out));
  }

  static json::value combined(const json::value& a, const json::value& b) {
    if (!a.is_object() || !b.is_object())
      return json::array{a, b};
    json::object all = a.get_object();
    for (const auto& [name, v] : b.get_object())
      all.insert_or_assign(name, v);
    return json::value(std::move(all));
  }

  result<json::value> aggregate(const json::array& items) {
    if (find("transformation_rule")) {
      overlay_["items"] = items;
      return rule("transformation_rule");
    }
    json::object out;
    for (const char* name : {"sum", "avg", "min", "max", "count"}) {
      if (!find(name))
        continue;
      const auto values = keys_of(items, name);
      if (!values)
        return values.error();
      auto figure = figure_of(name, *values);
      if (!figure)
        return figure;
      out[name] = std::move(*figure);
    }
    return json::value(std::move(out));
  }

  static result<json::value> figure_of(std::string_view name, const keyed& values) {
    if (name == "count")
      return json::value(std::count_if(values.begin(), values.end(),
                                       [](const auto& v) { return expr::truthy(v.first); }));
    if (values.empty())
      return name == "sum" ? json::value(0) : json::value(nullptr);
    bool whole = true;
    double total = 0, low = std::numeric_limits<double>::infinity(), high = -low;
    for (const auto& [v, i] : values) {
      if (!v.is_number())
        return invalid("expression_type", std::string{name} + " needs numbers.");
      whole = whole && !v.is_double();
      const auto number = v.to_number<double>();
      total += number;
      low = std::min(low, number);
      high = std::max(high, number);
    }
    const auto number = name == "sum"   ? total
                        : name == "avg" ? total / static_cast<double>(values.size())
                        : name == "min" ? low
                                        : high;
    constexpr double exact = 9007199254740992.0; // 2^53
    if (whole && name != "avg" && number > -exact && number < exact)
      return json::value(static_cast<std::int64_t>(number));
    return json::value(number);
  }

  static constexpr std::size_t joined_rows_max = 100'000;

  turn& t_;
  const slot_ref& at_;
  const shared_value& input_;
  const json::object& parameters_;
  json::value holder_;
  std::string handling_;
  json::object overlay_;
};

} // namespace

void run_transform(turn& t, const slot_ref& at, const shared_value& input) {
  const auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  auto made = transformation{t, at, input, *parameters}.run();
  if (!made)
    return fail(t, at, to_error(made.error()));
  complete(t, at, t.keep(std::move(*made)));
}

} // namespace troupe::deciding

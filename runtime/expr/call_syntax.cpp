#include "runtime/expr/call_syntax.hpp"

#include <algorithm>
#include <array>

namespace troupe::expr {

namespace {

constexpr std::array<std::string_view, 8> type_names = {"str",  "int",   "float", "bool",
                                                        "list", "tuple", "set",   "dict"};

failure unknown(const char* what, std::string_view name) {
  return invalid("expression_name",
                 "there is no " + std::string(what) + " '" + std::string(name) + "'");
}

failure wrong(std::string message) {
  return invalid("expression_syntax", std::move(message));
}

/// The place of `keyword` in a function's space-separated parameters; npos if it has none.
std::size_t place_of(std::string_view parameters, std::string_view keyword) {
  for (std::size_t place = 0;; ++place) {
    const std::size_t space = parameters.find(' ');
    if (parameters.substr(0, space) == keyword)
      return place;
    if (space == std::string_view::npos)
      return std::string_view::npos;
    parameters.remove_prefix(space + 1);
  }
}

/// Puts keyword arguments in their places; what lies between stays absent.
result<std::vector<node>> placed(const function& f, call_syntax call) {
  const std::size_t positional = call.arguments.size() - call.keywords.size();
  std::vector<node> out(
      std::make_move_iterator(call.arguments.begin()),
      std::make_move_iterator(call.arguments.begin() + static_cast<std::ptrdiff_t>(positional)));
  for (std::size_t i = 0; i < call.keywords.size(); ++i) {
    const std::string& keyword = call.keywords[i];
    const std::size_t place = place_of(f.parameters, keyword);
    if (place == std::string_view::npos)
      return wrong(std::string(f.name) + " has no argument '" + keyword + "'");
    if (place < out.size() && out[place].kind != node_kind::absent)
      return wrong("the argument '" + keyword + "' is given twice");
    if (place >= out.size())
      out.resize(place + 1);
    out[place] = std::move(call.arguments[positional + i]);
  }
  if (out.size() < f.least)
    return wrong(std::string(f.name) + " needs more arguments");
  if (f.most != unlimited && out.size() > f.most)
    return wrong(std::string(f.name) + " has too many arguments");
  return out;
}

/// dict(a=1, b=2)
node dict_of(call_syntax call) {
  node n;
  n.kind = node_kind::dict;
  for (std::size_t i = 0; i < call.keywords.size(); ++i) {
    node key;
    key.kind = node_kind::constant;
    key.constant = json::value(call.keywords[i]);
    n.children.push_back(std::move(key));
    n.children.push_back(std::move(call.arguments[i]));
  }
  return n;
}

/// In isinstance(x, (int, float)) the names are types, not paths.
void name_types(node& types) {
  for (node& child : types.children)
    name_types(child);
  const bool named =
      types.kind == node_kind::path && types.segments.size() == 1 &&
      std::find(type_names.begin(), type_names.end(), types.segments[0]) != type_names.end();
  if (!named)
    return;
  types.kind = node_kind::constant;
  types.constant = json::value(types.segments[0]);
  types.segments.clear();
}

/// Filters and tests that are named by a text literal are looked up now.
result<void> check_named(const function& f, const std::vector<node>& given) {
  const bool names_filter = f.name == "map";
  const bool by_attribute = f.name == "selectattr" || f.name == "rejectattr";
  if (!names_filter && !by_attribute && f.name != "select" && f.name != "reject")
    return {};
  const std::size_t at = by_attribute ? 2 : 1;
  if (at >= given.size() || given[at].kind != node_kind::constant ||
      !given[at].constant.is_string())
    return {};
  const std::string_view name = given[at].constant.get_string();
  if (names_filter && find_function(name, use::filter) == nullptr)
    return unknown("filter", name);
  if (!names_filter && find_test(name) == nullptr)
    return unknown("test", name);
  return {};
}

/// The pattern of regex(value, 'pattern') is compiled now, once.
result<std::shared_ptr<const pattern>> pattern_of(const node& given) {
  if (given.kind != node_kind::constant || !given.constant.is_string())
    return wrong("the pattern of regex must be a literal text");
  return compile_pattern(given.constant.get_string());
}

const char* word_for(use as) noexcept {
  return as == use::function ? "function" : as == use::filter ? "filter" : "method";
}

} // namespace

result<node> resolve_call(std::string_view name, use as, call_syntax call) {
  if (as == use::function && name == "dict" && !call.keywords.empty() &&
      call.keywords.size() == call.arguments.size())
    return dict_of(std::move(call));
  const bool by_attribute = name == "map" && as == use::filter && !call.keywords.empty();
  const function* f = find_function(by_attribute ? "map_attribute" : name, as);
  if (f == nullptr)
    return unknown(word_for(as), name);
  auto given = placed(*f, std::move(call));
  if (!given)
    return std::move(given).error();
  if (auto checked = check_named(*f, *given); !checked)
    return std::move(checked).error();
  if (f->name == "isinstance")
    name_types((*given)[1]);
  node n;
  n.kind = node_kind::call;
  n.function = f;
  if (f->name == "regex") {
    auto made = pattern_of((*given)[1]);
    if (!made)
      return std::move(made).error();
    n.pattern = std::move(*made);
  }
  n.children = std::move(*given);
  return n;
}

result<node> resolve_test(std::string_view name, call_syntax call) {
  const test* t = find_test(name);
  if (t == nullptr)
    return unknown("test", name);
  if (!call.keywords.empty())
    return wrong("tests have no named arguments");
  if (call.arguments.size() < t->least || call.arguments.size() > t->most)
    return wrong("the test " + std::string(name) + " got a wrong number of arguments");
  node n;
  n.kind = node_kind::test;
  n.test = t;
  n.children = std::move(call.arguments);
  return n;
}

} // namespace troupe::expr

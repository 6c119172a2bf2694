// Filters that apply another filter or a test to every element.
#include "runtime/expr/bodies.hpp"
#include "runtime/expr/helpers.hpp"

#include <algorithm>

namespace troupe::expr::bodies {

namespace {

/// The arguments for a call on one element: the element, then what followed the name.
std::vector<operand> with_element(context& c, const json::value& element, arguments rest) {
  std::vector<operand> out;
  out.reserve(rest.size() + 1);
  out.push_back(operand::borrow(&element));
  for (const operand& r : rest) {
    c.pay();
    out.push_back(r.missing() ? operand() : operand::borrow(&r.get()));
  }
  return out;
}

const json::string* name_argument(context& c, arguments args, std::size_t i) {
  const json::string* name = argument(args, i).get().if_string();
  if (name == nullptr)
    c.fail_type("the name of a filter or test must be text");
  return name;
}

const test* test_argument(context& c, arguments args, std::size_t i) {
  const json::string* name = name_argument(c, args, i);
  const test* found = name ? find_test(*name) : nullptr;
  if (name != nullptr && found == nullptr)
    c.fail(invalid("expression_name", "there is no test '" + std::string(*name) + "'"));
  return found;
}

/// Keeps the elements for which the test at `test_at` (or truth, if there is none) holds for the
/// element itself or, if `attribute` is no null, for that part of it.
operand chosen(context& c, arguments args, std::size_t test_at, const json::value& attribute,
               bool wanted) {
  if (!make_list(c, args[0]))
    return {};
  const bool by_test = args.size() > test_at;
  const test* condition = by_test ? test_argument(c, args, test_at) : nullptr;
  if (c.failed())
    return {};
  const arguments rest = by_test ? args.subspan(test_at + 1) : arguments();
  list_builder out(c);
  for (std::size_t i = 0; i < args[0].get().get_array().size() && c.pay(); ++i) {
    const json::value& element = args[0].get().get_array()[i];
    operand subject =
        attribute.is_null() ? operand::borrow(&element) : attribute_of(c, element, attribute);
    bool kept = truthy(subject.get());
    if (condition != nullptr) {
      std::vector<operand> inner = with_element(c, element, rest);
      inner[0] = std::move(subject);
      kept = holds(c, *condition, inner);
    }
    if (!c.failed() && kept == wanted)
      out.add(take_element(c, args[0], i));
  }
  return out.done();
}

} // namespace

operand map(context& c, arguments args) {
  const json::string* name = name_argument(c, args, 1);
  if (name == nullptr || !make_list(c, args[0]))
    return {};
  const function* filter = find_function(*name, use::filter);
  if (filter == nullptr) {
    c.fail(invalid("expression_name", "there is no filter '" + std::string(*name) + "'"));
    return {};
  }
  list_builder out(c);
  for (const json::value& element : args[0].get().get_array()) {
    std::vector<operand> inner = with_element(c, element, args.subspan(2));
    operand mapped = call(c, *filter, inner);
    if (!out.add(mapped.take(c)))
      return {};
  }
  return out.done();
}

operand map_attribute(context& c, arguments args) {
  if (!make_list(c, args[0]))
    return {};
  list_builder out(c);
  for (const json::value& element : args[0].get().get_array()) {
    operand part = attribute_of(c, element, args[1].get());
    if (part.missing())
      part = operand::borrow(&argument(args, 2).get());
    if (!out.add(part.take(c)))
      return {};
  }
  return out.done();
}

operand select(context& c, arguments args) {
  return chosen(c, args, 1, json::value(), true);
}
operand reject(context& c, arguments args) {
  return chosen(c, args, 1, json::value(), false);
}

operand select_attribute(context& c, arguments args) {
  return chosen(c, args, 2, args[1].get(), true);
}

operand reject_attribute(context& c, arguments args) {
  return chosen(c, args, 2, args[1].get(), false);
}

} // namespace troupe::expr::bodies

// The tests behind `is`.
#include "runtime/expr/helpers.hpp"

#include <algorithm>
#include <iterator>

namespace troupe::expr {

namespace {

bool is_defined(context&, arguments args) {
  return !args[0].missing();
}
bool is_undefined(context&, arguments args) {
  return args[0].missing();
}
bool is_none(context&, arguments args) {
  return args[0].get().is_null();
}
bool is_numeric(context&, arguments args) {
  return is_number(args[0].get());
}
bool is_whole(context&, arguments args) {
  return is_integer(args[0].get());
}
bool is_real(context&, arguments args) {
  return args[0].get().is_double();
}
bool is_text(context&, arguments args) {
  return args[0].get().is_string();
}
bool is_boolean(context&, arguments args) {
  return args[0].get().is_bool();
}
bool is_true(context&, arguments args) {
  return args[0].get() == json::value(true);
}
bool is_false(context&, arguments args) {
  return args[0].get() == json::value(false);
}
bool is_mapping(context&, arguments args) {
  return args[0].get().is_object();
}
bool is_list(context&, arguments args) {
  return args[0].get().is_array();
}
bool is_sequence(context&, arguments args) {
  return args[0].get().is_structured() || args[0].get().is_string();
}

bool divisible(context& c, const json::value& v, operand by) {
  const operand rest = arithmetic(c, op::modulo, operand::borrow(&v), std::move(by));
  return !c.failed() && !truthy(rest.get());
}

bool is_even(context& c, arguments args) {
  return divisible(c, args[0].get(), operand(std::int64_t{2}));
}
bool is_odd(context& c, arguments args) {
  return !is_even(c, args);
}
bool is_divisible_by(context& c, arguments args) {
  return divisible(c, args[0].get(), operand::borrow(&args[1].get()));
}

template <op What> bool compares(context& c, arguments args) {
  return compare(c, What, args[0].get(), args[1].get());
}

bool has_case(context& c, const json::value& v, std::string (*change)(std::string_view)) {
  const json::string* text = v.if_string();
  if (text == nullptr || !c.pay_output(text->size() * 2))
    return false;
  const std::string_view letters = *text;
  return change(letters) == letters && upper_case(letters) != lower_case(letters);
}

bool is_lower(context& c, arguments args) {
  return has_case(c, args[0].get(), lower_case);
}
bool is_upper(context& c, arguments args) {
  return has_case(c, args[0].get(), upper_case);
}

constexpr test tests[] = {
    {"defined", 1, 1, is_defined},
    {"undefined", 1, 1, is_undefined},
    {"none", 1, 1, is_none},
    {"None", 1, 1, is_none},
    {"null", 1, 1, is_none},
    {"number", 1, 1, is_numeric},
    {"integer", 1, 1, is_whole},
    {"float", 1, 1, is_real},
    {"string", 1, 1, is_text},
    {"boolean", 1, 1, is_boolean},
    {"true", 1, 1, is_true},
    {"True", 1, 1, is_true},
    {"false", 1, 1, is_false},
    {"False", 1, 1, is_false},
    {"mapping", 1, 1, is_mapping},
    {"list", 1, 1, is_list},
    {"iterable", 1, 1, is_sequence},
    {"sequence", 1, 1, is_sequence},
    {"even", 1, 1, is_even},
    {"odd", 1, 1, is_odd},
    {"divisibleby", 2, 2, is_divisible_by},
    {"eq", 2, 2, compares<op::equal>},
    {"equalto", 2, 2, compares<op::equal>},
    {"sameas", 2, 2, compares<op::equal>},
    {"==", 2, 2, compares<op::equal>},
    {"ne", 2, 2, compares<op::unequal>},
    {"!=", 2, 2, compares<op::unequal>},
    {"lt", 2, 2, compares<op::less>},
    {"lessthan", 2, 2, compares<op::less>},
    {"<", 2, 2, compares<op::less>},
    {"le", 2, 2, compares<op::less_equal>},
    {"<=", 2, 2, compares<op::less_equal>},
    {"gt", 2, 2, compares<op::greater>},
    {"greaterthan", 2, 2, compares<op::greater>},
    {">", 2, 2, compares<op::greater>},
    {"ge", 2, 2, compares<op::greater_equal>},
    {">=", 2, 2, compares<op::greater_equal>},
    {"in", 2, 2, compares<op::in>},
    {"lower", 1, 1, is_lower},
    {"upper", 1, 1, is_upper},
};

} // namespace

const test* find_test(std::string_view name) noexcept {
  const auto at = std::find_if(std::begin(tests), std::end(tests),
                               [&](const test& t) { return t.name == name; });
  return at == std::end(tests) ? nullptr : at;
}

bool holds(context& c, const test& t, arguments args) {
  if (args.size() < t.least || args.size() > t.most) {
    c.fail_type("the test " + std::string(t.name) + " got a wrong number of arguments");
    return false;
  }
  return c.pay() && t.holds(c, args);
}

} // namespace troupe::expr

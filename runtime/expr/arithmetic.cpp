#include "runtime/expr/operators.hpp"

#include <cmath>

namespace troupe::expr {

namespace {

std::optional<std::int64_t> as_integer(const json::value& v) noexcept {
  if (v.is_int64())
    return v.get_int64();
  if (v.is_bool())
    return v.get_bool() ? 1 : 0;
  return std::nullopt;
}

const char* symbol_of(op what) noexcept {
  switch (what) {
  case op::add: return "+";
  case op::subtract: return "-";
  case op::multiply: return "*";
  case op::divide: return "/";
  case op::floor_divide: return "//";
  case op::modulo: return "%";
  default: return "**";
  }
}

operand by_zero(context& c) {
  c.fail_value("division by zero");
  return {};
}

/// Floor division and the modulus that goes with it: the sign of the divisor.
std::int64_t floor_quotient(std::int64_t a, std::int64_t b) noexcept {
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a % b < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t floor_rest(std::int64_t a, std::int64_t b) noexcept {
  const std::int64_t rest = a % b;
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

double floor_rest(double a, double b) noexcept {
  const double rest = std::fmod(a, b);
  return rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest;
}

/// By squaring: at most 126 multiplications; nothing on overflow.
std::optional<std::int64_t> integer_power(std::int64_t base, std::int64_t exponent) noexcept {
  std::int64_t result = 1;
  for (; exponent > 0; exponent >>= 1) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result))
      return std::nullopt;
    if (exponent > 1 && __builtin_mul_overflow(base, base, &base))
      return std::nullopt;
  }
  return result;
}

operand real(context& c, op what, double a, double b) {
  switch (what) {
  case op::add: return finite(c, a + b);
  case op::subtract: return finite(c, a - b);
  case op::multiply: return finite(c, a * b);
  case op::divide: return b == 0 ? by_zero(c) : finite(c, a / b);
  case op::floor_divide: return b == 0 ? by_zero(c) : finite(c, std::floor(a / b));
  case op::modulo: return b == 0 ? by_zero(c) : finite(c, floor_rest(a, b));
  default: return a == 0 && b < 0 ? by_zero(c) : finite(c, std::pow(a, b));
  }
}

operand whole(context& c, op what, std::int64_t a, std::int64_t b) {
  std::int64_t exact = 0;
  const auto inexact = [&] {
    return real(c, what, static_cast<double>(a), static_cast<double>(b));
  };
  switch (what) {
  case op::add: return __builtin_add_overflow(a, b, &exact) ? inexact() : operand(exact);
  case op::subtract: return __builtin_sub_overflow(a, b, &exact) ? inexact() : operand(exact);
  case op::multiply: return __builtin_mul_overflow(a, b, &exact) ? inexact() : operand(exact);
  case op::divide: return inexact();
  case op::floor_divide:
    if (b == 0 || b == -1) // -1: the least integer has no counterpart
      return b == 0 ? by_zero(c) : whole(c, op::subtract, 0, a);
    return operand(floor_quotient(a, b));
  case op::modulo:
    if (b == 0 || b == -1)
      return b == 0 ? by_zero(c) : operand(std::int64_t{0});
    return operand(floor_rest(a, b));
  default: {
    const auto power = b >= 0 ? integer_power(a, b) : std::nullopt;
    return power ? operand(*power) : inexact();
  }
  }
}

operand add_texts(context& c, operand left, const json::value& right) {
  const json::string& tail = right.get_string();
  if (json::value* own = left.owned()) {
    if (c.pay_output(tail.size()))
      own->get_string().append(tail);
    return left;
  }
  const json::string& head = left.get().get_string();
  if (!c.pay_output(head.size() + tail.size()))
    return {};
  json::string out;
  out.reserve(head.size() + tail.size());
  out.append(head).append(tail);
  return operand(std::move(out));
}

operand add_lists(context& c, operand left, operand right) {
  json::value head = left.take(c);
  json::value tail = right.take(c);
  if (c.failed())
    return {};
  json::array& out = head.get_array();
  if (!c.pay(tail.get_array().size()))
    return {};
  for (json::value& element : tail.get_array())
    out.push_back(std::move(element));
  return operand(std::move(head));
}

operand repeated(context& c, const json::value& what, std::int64_t times) {
  const bool text = what.is_string();
  const std::size_t size = text ? what.get_string().size() : what.get_array().size();
  if (times <= 0 || size == 0)
    return text ? operand(json::value(json::string())) : operand(json::value(json::array()));
  const std::size_t bytes = text ? size : weight(what, c.output_left());
  std::size_t total = 0;
  if (__builtin_mul_overflow(bytes, static_cast<std::size_t>(times), &total))
    total = SIZE_MAX;
  if (!c.pay_output(total))
    return {};
  if (text) {
    json::string out;
    out.reserve(total);
    for (; times > 0; --times)
      out.append(what.get_string());
    return operand(std::move(out));
  }
  json::array out;
  out.reserve(size * static_cast<std::size_t>(times));
  for (; times > 0; --times)
    for (const json::value& element : what.get_array())
      out.push_back(element);
  return operand(std::move(out));
}

bool is_sequence(const json::value& v) noexcept {
  return v.is_string() || v.is_array();
}

} // namespace

bool is_integer(const json::value& v) noexcept {
  return v.is_int64() || v.is_uint64();
}
bool is_number(const json::value& v) noexcept {
  return is_integer(v) || v.is_double();
}

std::optional<double> as_double(const json::value& v) noexcept {
  switch (v.kind()) {
  case boost::json::kind::bool_: return v.get_bool() ? 1.0 : 0.0;
  case boost::json::kind::int64: return static_cast<double>(v.get_int64());
  case boost::json::kind::uint64: return static_cast<double>(v.get_uint64());
  case boost::json::kind::double_: return v.get_double();
  default: return std::nullopt;
  }
}

operand finite(context& c, double number) {
  if (std::isfinite(number))
    return operand(number);
  c.fail_value("the result is not a finite number");
  return {};
}

operand arithmetic(context& c, op what, operand left, operand right) {
  if (!c.pay())
    return {};
  const json::value& a = left.get();
  const json::value& b = right.get();
  const auto whole_a = as_integer(a);
  const auto whole_b = as_integer(b);
  if (whole_a && whole_b)
    return whole(c, what, *whole_a, *whole_b);
  const auto real_a = as_double(a);
  const auto real_b = as_double(b);
  if (real_a && real_b)
    return real(c, what, *real_a, *real_b);
  if (what == op::add && a.is_string() && b.is_string())
    return add_texts(c, std::move(left), b);
  if (what == op::add && a.is_array() && b.is_array())
    return add_lists(c, std::move(left), std::move(right));
  if (what == op::multiply && is_sequence(a) && whole_b)
    return repeated(c, a, *whole_b);
  if (what == op::multiply && is_sequence(b) && whole_a)
    return repeated(c, b, *whole_a);
  c.fail_type("'" + std::string(symbol_of(what)) + "' does not work on " +
              std::string(kind_name(a)) + " and " + std::string(kind_name(b)));
  return {};
}

operand negated(context& c, operand value) {
  if (const auto integer = as_integer(value.get()))
    return whole(c, op::subtract, 0, *integer);
  if (const auto number = as_double(value.get()))
    return operand(-*number);
  c.fail_type("'-' does not work on " + std::string(kind_name(value.get())));
  return {};
}

} // namespace troupe::expr

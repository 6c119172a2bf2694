#include "runtime/expr/bodies.hpp"
#include "runtime/expr/helpers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>

namespace troupe::expr::bodies {

namespace {

/// Half to even on the exact binary value, as Python does: by way of the decimal text.
double rounded(double number, std::int64_t digits) {
  if (digits < 0) {
    const double scale = std::pow(10.0, static_cast<double>(std::min<std::int64_t>(-digits, 400)));
    return std::isfinite(scale) ? std::nearbyint(number / scale) * scale : 0.0;
  }
  if (std::fabs(number) >= 0x1p53) // has no fraction
    return number;
  char text[700];
  const auto end = std::to_chars(text, text + sizeof text, number, std::chars_format::fixed,
                                 static_cast<int>(digits));
  double out = number;
  std::from_chars(text, end.ptr, out);
  return out;
}

double rounded_by(double number, std::int64_t digits, std::string_view method) {
  if (method == "common")
    return rounded(number, digits);
  const double scale =
      std::pow(10.0, static_cast<double>(std::clamp<std::int64_t>(digits, -300, 300)));
  const double scaled = number * scale;
  if (!std::isfinite(scaled))
    return number;
  return (method == "ceil" ? std::ceil(scaled) : std::floor(scaled)) / scale;
}

/// A rounded double as integer where one fits, as Python's round(x).
operand integral(double number) {
  if (number >= -0x1p63 && number < 0x1p63)
    return operand(static_cast<std::int64_t>(number));
  return operand(number);
}

operand total(context& c, const json::array& elements, operand start,
              const json::value& attribute) {
  for (const json::value& element : elements) {
    if (c.failed())
      return {};
    operand part =
        attribute.is_null() ? operand::borrow(&element) : attribute_of(c, element, attribute);
    start = arithmetic(c, op::add, std::move(start), std::move(part));
  }
  return start;
}

operand start_argument(arguments args, std::size_t i) {
  return i < args.size() && !args[i].missing() ? std::move(args[i]) : operand(std::int64_t{0});
}

/// The element of `list` whose key comes first (`sign` -1) or last (1); missing for an empty list.
operand extreme(context& c, operand& list, int sign, bool ignore_case,
                const json::value& attribute) {
  if (!make_list(c, list))
    return {};
  const json::array& elements = list.get().get_array();
  std::size_t best = 0;
  operand best_key;
  for (std::size_t i = 0; i < elements.size() && !c.failed(); ++i) {
    operand key = attribute.is_null() ? operand::borrow(&elements[i])
                                      : attribute_of(c, elements[i], attribute);
    if (const json::string* text = key.get().if_string(); text && ignore_case) {
      if (!c.pay_output(text->size() * 2))
        return {};
      key = operand(json::value(lower_case(*text)));
    }
    if (i == 0 || order(c, key.get(), best_key.get()) * sign > 0) {
      best = i;
      best_key = std::move(key);
    }
  }
  return elements.empty() || c.failed() ? operand() : operand(take_element(c, list, best));
}

operand extreme_of_arguments(context& c, arguments args, int sign) {
  if (args.size() == 1) {
    operand out = extreme(c, args[0], sign, false, json::value());
    if (out.missing() && !c.failed())
      c.fail_value("an empty list has no least or greatest element");
    return out;
  }
  std::size_t best = 0;
  for (std::size_t i = 1; i < args.size() && !c.failed(); ++i)
    if (order(c, args[i].get(), args[best].get()) * sign > 0)
      best = i;
  return std::move(args[best]);
}

} // namespace

operand absolute(context& c, arguments args) {
  const json::value& v = args[0].get();
  if (v.is_double())
    return operand(std::fabs(v.get_double()));
  if (v.is_uint64())
    return operand(v.get_uint64());
  if (!v.is_int64() && !v.is_bool()) {
    c.fail_type("abs does not work on " + std::string(kind_name(v)));
    return {};
  }
  if (v.is_int64() && v.get_int64() < 0)
    return negated(c, operand::borrow(&v));
  return operand(v.is_bool() ? json::value(std::int64_t{v.get_bool()}) : v);
}

operand round_number(context& c, arguments args) {
  const json::value& v = args[0].get();
  const std::int64_t digits = std::clamp<std::int64_t>(integer_argument(c, args, 1, 0), -400, 400);
  const bool given = !argument(args, 1).get().is_null();
  const auto number = as_double(v);
  if (!number) {
    c.fail_type("round does not work on " + std::string(kind_name(v)));
    return {};
  }
  if (!v.is_double() && digits >= 0)
    return operand(v.is_bool() ? json::value(std::int64_t{v.get_bool()}) : v);
  const double out = rounded(*number, digits);
  return given && v.is_double() ? finite(c, out) : integral(out);
}

operand round_filter(context& c, arguments args) {
  const auto number = as_double(args[0].get());
  const std::int64_t digits = std::clamp<std::int64_t>(integer_argument(c, args, 1, 0), -400, 400);
  std::string scratch;
  const std::string_view method =
      argument(args, 2).get().is_null() ? "common" : text_argument(c, args, 2, scratch);
  if (!number)
    c.fail_type("round does not work on " + std::string(kind_name(args[0].get())));
  else if (method != "common" && method != "ceil" && method != "floor")
    c.fail_value("round knows the methods common, ceil and floor");
  return c.failed() ? operand() : finite(c, rounded_by(*number, digits, method));
}

operand sum(context& c, arguments args) {
  if (!make_list(c, args[0]))
    return {};
  return total(c, args[0].get().get_array(), start_argument(args, 1), json::value());
}

operand sum_filter(context& c, arguments args) {
  if (!make_list(c, args[0]))
    return {};
  return total(c, args[0].get().get_array(), start_argument(args, 2), argument(args, 1).get());
}

operand minimum(context& c, arguments args) {
  return extreme_of_arguments(c, args, -1);
}
operand maximum(context& c, arguments args) {
  return extreme_of_arguments(c, args, 1);
}

operand minimum_filter(context& c, arguments args) {
  return extreme(c, args[0], -1, !flag_argument(args, 1, false), argument(args, 2).get());
}

operand maximum_filter(context& c, arguments args) {
  return extreme(c, args[0], 1, !flag_argument(args, 1, false), argument(args, 2).get());
}

operand range(context& c, arguments args) {
  // A wider type, so that no bound or step overflows.
  __extension__ using wide = __int128;
  const bool one = args.size() == 1;
  const wide from = one ? 0 : integer_argument(c, args, 0, 0);
  const wide to = integer_argument(c, args, one ? 0 : 1, 0);
  const wide step = integer_argument(c, args, 2, 1);
  if (!c.failed() && step == 0)
    c.fail_value("range needs a step that is not zero");
  if (c.failed())
    return {};
  const wide span = step > 0 ? to - from : from - to;
  const wide stride = step > 0 ? step : -step;
  const wide count = span <= 0 ? 0 : (span - 1) / stride + 1;
  constexpr wide far = wide{1} << 40; // beyond every budget
  const auto size = static_cast<std::uint64_t>(count < far ? count : far);
  if (!c.pay(size) || !c.pay_output(size * sizeof(json::value)))
    return {};
  json::array out;
  out.reserve(size);
  for (std::uint64_t i = 0; i < size; ++i)
    out.emplace_back(static_cast<std::int64_t>(from + step * static_cast<wide>(i)));
  return operand(std::move(out));
}

} // namespace troupe::expr::bodies

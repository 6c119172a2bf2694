#include "runtime/expr/bodies.hpp"
#include "runtime/expr/helpers.hpp"

#include <algorithm>
#include <charconv>
#include <cmath>
#include <unordered_set>

namespace troupe::expr::bodies {

namespace {

operand truncated(double number) {
  const double whole = std::trunc(number);
  // 2^63 is the first double that has no int64.
  if (whole >= -0x1p63 && whole < 0x1p63)
    return operand(static_cast<std::int64_t>(whole));
  return operand(whole);
}

std::optional<double> read_double(std::string_view text) {
  double number = 0;
  text.remove_prefix(text.starts_with('+') ? 1 : 0);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool complete = read.ec == std::errc{} && read.ptr == text.data() + text.size();
  return complete && std::isfinite(number) ? std::optional(number) : std::nullopt;
}

std::optional<std::int64_t> read_integer(std::string_view text) {
  std::int64_t number = 0;
  text.remove_prefix(text.starts_with('+') ? 1 : 0);
  const auto read = std::from_chars(text.data(), text.data() + text.size(), number);
  const bool complete = read.ec == std::errc{} && read.ptr == text.data() + text.size();
  return complete ? std::optional(number) : std::nullopt;
}

/// Missing when `v` is no number and no text of one.
operand to_integer(context& c, const json::value& v, bool accept_fraction) {
  if (v.is_bool())
    return operand(std::int64_t{v.get_bool()});
  if (is_integer(v))
    return operand(v);
  if (v.is_double())
    return truncated(v.get_double());
  const json::string* text = v.if_string();
  if (text == nullptr || !c.pay_scan(text->size()))
    return {};
  const std::string_view digits = trimmed(*text);
  if (const auto whole = read_integer(digits))
    return operand(*whole);
  const auto number = accept_fraction ? read_double(digits) : std::nullopt;
  return number ? truncated(*number) : operand();
}

operand to_double(context& c, const json::value& v) {
  if (const auto number = as_double(v))
    return operand(*number);
  const json::string* text = v.if_string();
  if (text == nullptr || !c.pay_scan(text->size()))
    return {};
  const auto number = read_double(trimmed(*text));
  return number ? operand(*number) : operand();
}

operand or_value_failure(context& c, operand converted, const json::value& from,
                         const char* target) {
  if (!converted.missing() || c.failed())
    return converted;
  if (from.is_string())
    c.fail_value("the text is no " + std::string(target));
  else
    c.fail_type(std::string(kind_name(from)) + " cannot become " + target);
  return {};
}

/// A text that is equal for equal values: numbers by value, objects by sorted keys.
void append_identity(std::string& out, const json::value& v) {
  if (const auto number = as_double(v)) {
    // Integers that a double holds exactly are written as integers, so that 1 == 1.0 == true.
    if (v.is_double() && std::floor(*number) == *number && std::fabs(*number) < 0x1p63)
      out += std::to_string(static_cast<std::int64_t>(*number));
    else if (v.is_bool())
      out += v.get_bool() ? '1' : '0';
    else
      json::write(out, v);
  } else if (const json::array* elements = v.if_array()) {
    out += '[';
    for (const json::value& element : *elements) {
      append_identity(out, element);
      out += ',';
    }
    out += ']';
  } else if (const json::object* members = v.if_object()) {
    std::vector<const json::object::value_type*> sorted;
    for (const auto& member : *members)
      sorted.push_back(&member);
    std::sort(sorted.begin(), sorted.end(),
              [](const auto* a, const auto* b) { return a->key() < b->key(); });
    out += '{';
    for (const auto* member : sorted) {
      json::write_string(out, member->key());
      append_identity(out, member->value());
      out += ',';
    }
    out += '}';
  } else {
    json::write(out, v);
  }
}

operand without_repetition(context& c, operand& list, bool case_sensitive,
                           const json::value& attribute) {
  if (!make_list(c, list))
    return {};
  std::unordered_set<std::string> seen; // asked, never iterated
  list_builder out(c);
  for (std::size_t i = 0; i < list.get().get_array().size() && c.pay(2); ++i) {
    const json::value& element = list.get().get_array()[i];
    const operand key =
        attribute.is_null() ? operand::borrow(&element) : attribute_of(c, element, attribute);
    if (!c.pay_output(weight(key.get(), c.output_left()) + 16))
      return {};
    std::string identity;
    append_identity(identity, key.get());
    if (!case_sensitive)
      identity = lower_case(identity);
    if (seen.insert(std::move(identity)).second && !out.add(take_element(c, list, i)))
      return {};
  }
  return out.done();
}

bool is_of_type(const json::value& v, std::string_view type) {
  return (type == "str" && v.is_string()) || (type == "bool" && v.is_bool()) ||
         (type == "int" && (is_integer(v) || v.is_bool())) || (type == "float" && v.is_double()) ||
         (type == "dict" && v.is_object()) ||
         ((type == "list" || type == "tuple" || type == "set") && v.is_array());
}

} // namespace

operand default_value(context&, arguments args) {
  const bool falsy_too = flag_argument(args, 2, false);
  const bool keep = falsy_too ? truthy(args[0].get()) : !args[0].missing();
  if (keep)
    return std::move(args[0]);
  if (args.size() < 2)
    return operand(json::value(json::string()));
  return std::move(args[1]);
}

operand as_text(context& c, arguments args) {
  if (args[0].get().is_string())
    return std::move(args[0]);
  return operand(json::value(text_of(c, args[0].get())));
}

operand as_bool(context&, arguments args) {
  return operand(truthy(args[0].get()));
}

operand as_int(context& c, arguments args) {
  const json::value& v = args[0].get();
  return or_value_failure(c, to_integer(c, v, false), v, "integer");
}

operand as_float(context& c, arguments args) {
  const json::value& v = args[0].get();
  return or_value_failure(c, to_double(c, v), v, "number");
}

operand int_or(context& c, arguments args) {
  operand converted = to_integer(c, args[0].get(), true);
  if (!converted.missing())
    return converted;
  return args.size() > 1 && !args[1].missing() ? std::move(args[1]) : operand(std::int64_t{0});
}

operand float_or(context& c, arguments args) {
  operand converted = to_double(c, args[0].get());
  if (!converted.missing())
    return converted;
  return args.size() > 1 && !args[1].missing() ? std::move(args[1]) : operand(0.0);
}

operand as_list(context& c, arguments args) {
  if (args.empty())
    return operand(json::value(json::array()));
  return make_list(c, args[0]) ? std::move(args[0]) : operand();
}

operand as_dict(context& c, arguments args) {
  if (args.empty())
    return operand(json::value(json::object()));
  const json::value& v = args[0].get();
  if (v.is_object())
    return std::move(args[0]);
  const json::array* pairs = v.if_array();
  json::object out;
  for (std::size_t i = 0; pairs != nullptr && i < pairs->size() && c.pay(); ++i) {
    const json::array* two = (*pairs)[i].if_array();
    if (two == nullptr || two->size() != 2 || !(*two)[0].is_string()) {
      pairs = nullptr;
      break;
    }
    const json::string& key = (*two)[0].get_string();
    if (c.pay_output(2 * sizeof(json::value) + key.size()))
      out.insert_or_assign(key, copy(c, (*two)[1]));
  }
  if (pairs == nullptr)
    c.fail_type("dict takes an object or a list of pairs of a text and a value");
  return operand(std::move(out));
}

operand unique_list(context& c, arguments args) {
  if (args.empty())
    return operand(json::value(json::array()));
  return without_repetition(c, args[0], true, json::value());
}

operand unique(context& c, arguments args) {
  return without_repetition(c, args[0], flag_argument(args, 1, false), argument(args, 2).get());
}

operand is_instance(context& c, arguments args) {
  const json::value& types = args[1].get();
  if (types.is_string())
    return operand(is_of_type(args[0].get(), types.get_string()));
  for (const json::value& type : types.is_array() ? types.get_array() : json::array())
    if (c.pay() && type.is_string() && is_of_type(args[0].get(), type.get_string()))
      return operand(true);
  return operand(false);
}

operand length(context& c, arguments args) {
  const json::value& v = args[0].get();
  if (const json::string* text = v.if_string())
    return c.pay_scan(text->size()) ? operand(static_cast<std::int64_t>(length_of(*text)))
                                    : operand();
  if (v.is_array())
    return operand(static_cast<std::int64_t>(v.get_array().size()));
  if (v.is_object())
    return operand(static_cast<std::int64_t>(v.get_object().size()));
  c.fail_type(std::string(kind_name(v)) + " has no length");
  return {};
}

} // namespace troupe::expr::bodies

#include "runtime/expr/bodies.hpp"
#include "runtime/expr/helpers.hpp"

#include <algorithm>
#include <bit>
#include <numeric>

namespace troupe::expr::bodies {

namespace {

/// A copy of the sort keys: texts in lower case if `ignore_case`.
std::vector<operand> sort_keys(context& c, const json::array& elements, bool ignore_case,
                               const json::value& attribute) {
  std::vector<operand> keys;
  if (!c.pay_output(elements.size() * sizeof(operand)))
    return keys;
  keys.reserve(elements.size());
  for (const json::value& element : elements) {
    operand key =
        attribute.is_null() ? operand::borrow(&element) : attribute_of(c, element, attribute);
    if (const json::string* text = key.get().if_string(); text && ignore_case) {
      if (!c.pay_output(text->size() * 2))
        return keys;
      key = operand(json::value(lower_case(*text)));
    }
    if (c.failed())
      return keys;
    keys.push_back(std::move(key));
  }
  return keys;
}

operand sort_list(context& c, operand& list, bool descending, bool ignore_case,
                  const json::value& attribute) {
  if (!make_list(c, list))
    return {};
  const std::size_t size = list.get().get_array().size();
  const std::vector<operand> keys = sort_keys(c, list.get().get_array(), ignore_case, attribute);
  if (!c.pay(size * static_cast<std::size_t>(std::bit_width(size))) ||
      !c.pay_output(size * sizeof(std::size_t)))
    return {};
  std::vector<std::size_t> places(size);
  std::iota(places.begin(), places.end(), std::size_t{0});
  // Once a comparison has failed all are false: the sort ends, its order is not looked at.
  std::stable_sort(places.begin(), places.end(), [&](std::size_t a, std::size_t b) {
    if (c.failed())
      return false;
    const int o = descending ? order(c, keys[b].get(), keys[a].get())
                             : order(c, keys[a].get(), keys[b].get());
    return !c.failed() && o < 0;
  });
  if (size == 1)
    order(c, keys[0].get(), keys[0].get()); // an element without an order fails alone as well
  list_builder out(c);
  for (const std::size_t place : places)
    if (!out.add(take_element(c, list, place)))
      return {};
  return out.done();
}

operand end_element(context& c, operand list, bool front) {
  if (list.get().is_object() && !make_list(c, list))
    return {};
  if (list.get().is_array() || list.get().is_string())
    return element_of(c, std::move(list), front ? 0 : -1);
  c.fail_type("a list is expected, not " + std::string(kind_name(list.get())));
  return {};
}

/// At least 1; a failure otherwise.
std::size_t positive_argument(context& c, arguments args, std::size_t i) {
  const std::int64_t number = integer_argument(c, args, i, 0);
  if (number < 1)
    c.fail_value("a number of at least 1 is expected");
  return static_cast<std::size_t>(std::max<std::int64_t>(number, 1));
}

void flatten_into(context& c, list_builder& out, const json::array& elements, std::int64_t levels) {
  for (const json::value& element : elements) {
    if (c.failed())
      return;
    if (const json::array* inner = element.if_array(); inner && levels > 0) {
      c.pay();
      flatten_into(c, out, *inner, levels - 1);
    } else {
      out.add(copy(c, element));
    }
  }
}

const json::object* object_argument(context& c, const operand& o) {
  const json::object* members = o.get().if_object();
  if (members == nullptr)
    c.fail_type("an object is expected, not " + std::string(kind_name(o.get())));
  return members;
}

} // namespace

operand first(context& c, arguments args) {
  return end_element(c, std::move(args[0]), true);
}
operand last(context& c, arguments args) {
  return end_element(c, std::move(args[0]), false);
}

operand reverse(context& c, arguments args) {
  const operand none;
  if (args[0].get().is_object() && !make_list(c, args[0]))
    return {};
  return slice(c, std::move(args[0]), none, none, operand(std::int64_t{-1}));
}

operand sorted(context& c, arguments args) {
  return sort_list(c, args[0], flag_argument(args, 1, false), false, json::value());
}

operand sort_filter(context& c, arguments args) {
  return sort_list(c, args[0], flag_argument(args, 1, false), !flag_argument(args, 2, false),
                   argument(args, 3).get());
}

operand slice_filter(context& c, arguments args) {
  const std::size_t slices = positive_argument(c, args, 1);
  if (!make_list(c, args[0]))
    return {};
  const std::size_t size = args[0].get().get_array().size();
  list_builder out(c);
  std::size_t at = 0;
  for (std::size_t s = 0; s < slices && !c.failed(); ++s) {
    list_builder part(c);
    const bool longer = s < size % slices;
    for (std::size_t n = size / slices + (longer ? 1 : 0); n > 0; --n)
      if (!part.add(take_element(c, args[0], at++)))
        return {};
    if (args.size() > 2 && !longer && size % slices != 0)
      part.add(copy(c, args[2].get()));
    out.add(part.done().take(c));
  }
  return out.done();
}

operand batch(context& c, arguments args) {
  const std::size_t width = positive_argument(c, args, 1);
  if (!make_list(c, args[0]))
    return {};
  const std::size_t size = args[0].get().get_array().size();
  list_builder out(c);
  for (std::size_t at = 0; at < size && !c.failed();) {
    list_builder line(c);
    for (std::size_t n = 0; n < width && at < size; ++n)
      if (!line.add(take_element(c, args[0], at++)))
        return {};
    while (args.size() > 2 && line.elements().size() < width && !c.failed())
      line.add(copy(c, args[2].get()));
    out.add(line.done().take(c));
  }
  return out.done();
}

operand flatten(context& c, arguments args) {
  const std::int64_t levels = integer_argument(c, args, 1, 1'000);
  if (!make_list(c, args[0]))
    return {};
  list_builder out(c);
  flatten_into(c, out, args[0].get().get_array(), levels);
  return out.done();
}

operand enumerate(context& c, arguments args) {
  std::int64_t number = integer_argument(c, args, 1, 0);
  if (!make_list(c, args[0]))
    return {};
  list_builder out(c);
  for (std::size_t i = 0; i < args[0].get().get_array().size(); ++i) {
    operand position =
        arithmetic(c, op::add, operand(number), operand(static_cast<std::int64_t>(i)));
    if (!c.pay_output(2 * sizeof(json::value)) ||
        !out.add(json::array{position.take(c), take_element(c, args[0], i)}))
      return {};
  }
  return out.done();
}

operand zip(context& c, arguments args) {
  std::size_t shortest = SIZE_MAX;
  for (operand& list : args) {
    if (!make_list(c, list))
      return {};
    shortest = std::min(shortest, list.get().get_array().size());
  }
  list_builder out(c);
  for (std::size_t i = 0; i < shortest; ++i) {
    list_builder row(c);
    for (operand& list : args)
      row.add(take_element(c, list, i));
    if (!out.add(row.done().take(c)))
      return {};
  }
  return out.done();
}

operand any_of(context& c, arguments args) {
  if (!make_list(c, args[0]))
    return {};
  for (const json::value& element : args[0].get().get_array())
    if (!c.pay() || truthy(element))
      return operand(true);
  return operand(false);
}

operand all_of(context& c, arguments args) {
  if (!make_list(c, args[0]))
    return {};
  for (const json::value& element : args[0].get().get_array())
    if (!c.pay() || !truthy(element))
      return operand(false);
  return operand(true);
}

operand keys(context& c, arguments args) {
  if (object_argument(c, args[0]) == nullptr || !make_list(c, args[0]))
    return {};
  return std::move(args[0]);
}

operand values(context& c, arguments args) {
  const json::object* members = object_argument(c, args[0]);
  if (members == nullptr)
    return {};
  list_builder out(c);
  for (const auto& member : *members)
    if (!out.add(copy(c, member.value())))
      return {};
  return out.done();
}

operand items(context& c, arguments args) {
  const json::object* members = object_argument(c, args[0]);
  if (members == nullptr)
    return {};
  list_builder out(c);
  for (const auto& member : *members)
    if (!c.pay_output(member.key().size() + 2 * sizeof(json::value)) ||
        !out.add(json::array{json::value(member.key()), copy(c, member.value())}))
      return {};
  return out.done();
}

operand merge(context& c, arguments args) {
  const json::object* other = object_argument(c, args[1]);
  if (object_argument(c, args[0]) == nullptr || other == nullptr)
    return {};
  json::value out = args[0].take(c);
  for (const auto& member : *other) {
    if (!c.pay() || !c.pay_output(member.key().size() + sizeof(json::value)))
      return {};
    out.get_object().insert_or_assign(member.key(), copy(c, member.value()));
  }
  return operand(std::move(out));
}

operand get(context& c, arguments args) {
  if (object_argument(c, args[0]) == nullptr)
    return {};
  operand found = at_key(c, std::move(args[0]), args[1].get());
  if (!found.missing())
    return found;
  return args.size() > 2 ? std::move(args[2]) : operand(json::value());
}

} // namespace troupe::expr::bodies

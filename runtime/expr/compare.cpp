// Equality, order, membership.
#include "runtime/expr/operators.hpp"

#include "runtime/expr/text.hpp"

#include <algorithm>

namespace troupe::expr {

namespace {

/// Holds every int64, uint64 and double exactly on the platforms we build for.
using wide = long double;

std::optional<wide> as_wide(const json::value& v) noexcept {
  switch (v.kind()) {
  case boost::json::kind::bool_: return v.get_bool() ? 1 : 0;
  case boost::json::kind::int64: return static_cast<wide>(v.get_int64());
  case boost::json::kind::uint64: return static_cast<wide>(v.get_uint64());
  case boost::json::kind::double_: return static_cast<wide>(v.get_double());
  default: return std::nullopt;
  }
}

bool equal_texts(context& c, std::string_view a, std::string_view b) {
  return a.size() == b.size() && c.pay_scan(a.size()) && a == b;
}

bool equal_lists(context& c, const json::array& a, const json::array& b) {
  if (a.size() != b.size())
    return false;
  for (std::size_t i = 0; i < a.size(); ++i)
    if (!equal(c, a[i], b[i]))
      return false;
  return !c.failed();
}

bool equal_objects(context& c, const json::object& a, const json::object& b) {
  if (a.size() != b.size())
    return false;
  for (const auto& member : a) {
    if (!c.pay_scan(member.key().size()))
      return false;
    const json::value* other = b.if_contains(member.key());
    if (other == nullptr || !equal(c, member.value(), *other))
      return false;
  }
  return !c.failed();
}

int order_lists(context& c, const json::array& a, const json::array& b) {
  for (std::size_t i = 0; i < std::min(a.size(), b.size()) && !c.failed(); ++i)
    if (!equal(c, a[i], b[i]))
      return c.failed() ? 0 : order(c, a[i], b[i]);
  return a.size() < b.size() ? -1 : a.size() > b.size() ? 1 : 0;
}

} // namespace

bool equal(context& c, const json::value& a, const json::value& b) {
  if (!c.pay())
    return false;
  if (a.is_int64() && b.is_int64())
    return a.get_int64() == b.get_int64();
  if (const auto left = as_wide(a)) {
    const auto right = as_wide(b);
    return right && *left == *right;
  }
  if (a.kind() != b.kind())
    return false;
  switch (a.kind()) {
  case boost::json::kind::string: return equal_texts(c, a.get_string(), b.get_string());
  case boost::json::kind::array: return equal_lists(c, a.get_array(), b.get_array());
  case boost::json::kind::object: return equal_objects(c, a.get_object(), b.get_object());
  default: return true; // null
  }
}

int order(context& c, const json::value& a, const json::value& b) {
  if (!c.pay())
    return 0;
  const auto left = as_wide(a);
  const auto right = as_wide(b);
  if (left && right)
    return *left < *right ? -1 : *left > *right ? 1 : 0;
  if (a.is_string() && b.is_string()) {
    const std::string_view x = a.get_string();
    const std::string_view y = b.get_string();
    return c.pay_scan(std::min(x.size(), y.size())) ? x.compare(y) : 0;
  }
  if (a.is_array() && b.is_array())
    return order_lists(c, a.get_array(), b.get_array());
  c.fail_type(std::string(kind_name(a)) + " and " + std::string(kind_name(b)) +
              " have no order between them");
  return 0;
}

bool contains(context& c, const json::value& container, const json::value& sought) {
  if (const json::array* elements = container.if_array()) {
    for (const json::value& element : *elements) {
      if (c.failed())
        return false;
      if (equal(c, element, sought))
        return true;
    }
    return false;
  }
  if (const json::object* members = container.if_object())
    return sought.is_string() && members->contains(sought.get_string());
  if (container.is_string() && sought.is_string()) {
    const std::string_view text = container.get_string();
    const std::string_view piece = sought.get_string();
    return c.pay_scan(text.size() + piece.size()) &&
           find_text(text, piece) != std::string_view::npos;
  }
  c.fail_type("'in' looks for " + std::string(kind_name(sought)) + " in " +
              std::string(kind_name(container)));
  return false;
}

bool compare(context& c, op what, const json::value& a, const json::value& b) {
  switch (what) {
  case op::equal: return equal(c, a, b);
  case op::unequal: return !equal(c, a, b);
  case op::less: return order(c, a, b) < 0;
  case op::less_equal: return order(c, a, b) <= 0;
  case op::greater: return order(c, a, b) > 0;
  case op::greater_equal: return order(c, a, b) >= 0;
  case op::in: return contains(c, b, a);
  default: return !contains(c, b, a); // not_in
  }
}

} // namespace troupe::expr

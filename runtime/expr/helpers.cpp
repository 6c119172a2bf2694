#include "runtime/expr/helpers.hpp"

#include <charconv>

namespace troupe::expr {

bool make_list(context& c, operand& o) {
  const json::value& v = o.get();
  if (v.is_array())
    return !c.failed();
  list_builder out(c);
  if (const json::object* members = v.if_object()) {
    for (const auto& member : *members)
      if (!out.add_text(member.key()))
        return false;
  } else if (const json::string* text = v.if_string()) {
    for (std::string_view rest = *text; !rest.empty();) {
      const std::string_view point = code_points(rest, 0, 1);
      if (!out.add(json::value(point)))
        return false;
      rest.remove_prefix(point.size());
    }
  } else {
    c.fail_type("a list is expected, not " + std::string(kind_name(v)));
    return false;
  }
  o = out.done();
  return !c.failed();
}

json::value take_element(context& c, operand& o, std::size_t i) {
  if (json::value* own = o.owned())
    return std::move(own->get_array()[i]);
  return copy(c, o.get().get_array()[i]);
}

operand attribute_of(context& c, const json::value& v, const json::value& path) {
  operand at = operand::borrow(&v);
  const json::string* text = path.if_string();
  if (text == nullptr)
    return at_key(c, std::move(at), path);
  for (std::string_view rest = *text; c.pay() && !at.missing();) {
    const std::size_t dot = rest.find('.');
    const std::string_view key = rest.substr(0, dot);
    std::int64_t position = 0;
    const auto read = std::from_chars(key.data(), key.data() + key.size(), position);
    const bool integral =
        !key.empty() && read.ec == std::errc{} && read.ptr == key.data() + key.size();
    at = integral && at.get().is_array() ? element_of(c, std::move(at), position)
                                         : member_of(std::move(at), key);
    if (dot == std::string_view::npos)
      break;
    rest.remove_prefix(dot + 1);
  }
  return at;
}

} // namespace troupe::expr

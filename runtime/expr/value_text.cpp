// Truth and text of values.
#include "runtime/expr/operators.hpp"

namespace troupe::expr {

bool truthy(const json::value& v) noexcept {
  switch (v.kind()) {
  case boost::json::kind::bool_: return v.get_bool();
  case boost::json::kind::int64: return v.get_int64() != 0;
  case boost::json::kind::uint64: return v.get_uint64() != 0;
  case boost::json::kind::double_: return v.get_double() != 0;
  case boost::json::kind::string: return !v.get_string().empty();
  case boost::json::kind::array: return !v.get_array().empty();
  case boost::json::kind::object: return !v.get_object().empty();
  default: return false;
  }
}

std::string to_text(const json::value& v) {
  if (v.is_null())
    return {};
  if (const json::string* text = v.if_string())
    return std::string(*text);
  return json::write(v);
}

std::string text_of(context& c, const json::value& v) {
  const json::string* text = v.if_string();
  const std::size_t size = text          ? text->size()
                           : v.is_null() ? 0
                                         : json::written_size(v, c.output_left());
  return c.pay_output(size) ? to_text(v) : std::string();
}

} // namespace troupe::expr

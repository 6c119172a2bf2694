// What the bodies of functions share: reading arguments, building lists.
#pragma once

#include "runtime/expr/functions.hpp"
#include "runtime/expr/operators.hpp"
#include "runtime/expr/text.hpp"

#include <optional>
#include <string>
#include <string_view>

namespace troupe::expr {

/// The argument at `i`; missing if it was not given.
inline const operand& argument(arguments args, std::size_t i) noexcept {
  static const operand none;
  return i < args.size() ? args[i] : none;
}

/// The text of an argument; numbers and booleans become text, null and containers fail. Paid for
/// as one scan. `scratch` holds the text of a number.
inline std::string_view text_argument(context& c, arguments args, std::size_t i,
                                      std::string& scratch) {
  const json::value& v = argument(args, i).get();
  if (const json::string* text = v.if_string())
    return c.pay_scan(text->size()) ? std::string_view(*text) : std::string_view();
  if (v.is_bool() || is_number(v)) {
    scratch = to_text(v);
    return scratch;
  }
  c.fail_type("text is expected, not " + std::string(kind_name(v)));
  return {};
}

/// An integer argument, or `otherwise` when it was not given.
inline std::int64_t integer_argument(context& c, arguments args, std::size_t i,
                                     std::int64_t otherwise) {
  const json::value& v = argument(args, i).get();
  if (v.is_null())
    return otherwise;
  if (v.is_int64())
    return v.get_int64();
  c.fail_type("an integer is expected, not " + std::string(kind_name(v)));
  return otherwise;
}

inline bool flag_argument(arguments args, std::size_t i, bool otherwise) {
  const operand& given = argument(args, i);
  return given.missing() ? otherwise : truthy(given.get());
}

/// Makes `o` a list: an object becomes its keys, text its code points. False after a failure.
bool make_list(context& c, operand& o);

/// A list of new values; each is paid for when it is added.
class list_builder {
public:
  explicit list_builder(context& c) : c_(c) {}
  /// False after a failure: stop then.
  bool add(json::value element) {
    if (!c_.pay() || !c_.pay_output(sizeof(json::value)))
      return false;
    out_.push_back(std::move(element));
    return true;
  }
  /// A piece of text, paid for.
  bool add_text(std::string_view text) {
    return c_.pay_output(text.size()) && add(json::value(text));
  }
  operand done() { return operand(std::move(out_)); }
  json::array& elements() noexcept { return out_; }

private:
  context& c_;
  json::array out_;
};

/// Element `i` of the list `o`, moved out when the list is ours, else copied and paid for.
json::value take_element(context& c, operand& o, std::size_t i);

/// A member of `v` by a path such as "author.name" or "0.id", or by an integer.
operand attribute_of(context& c, const json::value& v, const json::value& path);

} // namespace troupe::expr

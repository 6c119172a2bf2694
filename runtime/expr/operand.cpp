#include "runtime/expr/operand.hpp"

#include "runtime/expr/text.hpp"

#include <cmath>

namespace troupe::expr {

namespace {

const json::value null_value;
constexpr std::size_t value_bytes = 24;

void add_weight(const json::value& v, std::size_t cap, std::size_t& sum) noexcept {
  sum += value_bytes;
  if (const json::string* text = v.if_string()) {
    sum += text->size();
  } else if (const json::array* elements = v.if_array()) {
    for (auto at = elements->begin(); at != elements->end() && sum <= cap; ++at)
      add_weight(*at, cap, sum);
  } else if (const json::object* members = v.if_object()) {
    for (auto at = members->begin(); at != members->end() && sum <= cap; ++at) {
      sum += at->key().size();
      add_weight(at->value(), cap, sum);
    }
  }
}

} // namespace

const json::value& operand::get() const noexcept {
  switch (state_) {
  case state::borrowed: return *at_;
  case state::owned: return own_;
  case state::missing: break;
  }
  return null_value;
}

json::value operand::take(context& c) {
  if (state_ == state::owned)
    return std::move(own_);
  return missing() ? json::value() : copy(c, *at_);
}

operand operand::part(const json::value* at) && {
  if (state_ == state::borrowed)
    return borrow(at, std::move(keep_));
  // The value is ours and dies here, so its part may be moved out of it.
  json::value moved = std::move(const_cast<json::value&>(*at));
  return operand(std::move(moved));
}

std::size_t weight(const json::value& v, std::size_t cap) noexcept {
  std::size_t sum = 0;
  add_weight(v, cap, sum);
  return sum;
}

json::value copy(context& c, const json::value& v) {
  if (!v.is_structured() && !v.is_string())
    return v;
  if (!c.pay_output(weight(v, c.output_left())))
    return nullptr;
  return v;
}

bool deeper_than(const json::value& v, std::size_t levels) noexcept {
  if (!v.is_structured())
    return false;
  if (levels == 0)
    return true;
  if (const json::array* elements = v.if_array()) {
    for (const json::value& element : *elements)
      if (deeper_than(element, levels - 1))
        return true;
    return false;
  }
  for (const auto& member : v.get_object())
    if (deeper_than(member.value(), levels - 1))
      return true;
  return false;
}

std::string_view kind_name(const json::value& v) noexcept {
  switch (v.kind()) {
  case boost::json::kind::bool_: return "a boolean";
  case boost::json::kind::int64:
  case boost::json::kind::uint64:
  case boost::json::kind::double_: return "a number";
  case boost::json::kind::string: return "text";
  case boost::json::kind::array: return "a list";
  case boost::json::kind::object: return "an object";
  default: return "null";
  }
}

operand member_of(operand base, std::string_view key) {
  const json::value* at = json::find(base.get(), key);
  return at ? std::move(base).part(at) : operand();
}

operand element_of(context& c, operand base, std::int64_t position) {
  const json::value& v = base.get();
  if (v.is_object())
    return member_of(std::move(base), std::to_string(position));
  if (const json::array* elements = v.if_array()) {
    const auto size = static_cast<std::int64_t>(elements->size());
    const std::int64_t at = position < 0 ? position + size : position;
    if (at < 0 || at >= size)
      return {};
    return std::move(base).part(&(*elements)[static_cast<std::size_t>(at)]);
  }
  if (const json::string* text = v.if_string()) {
    if (!c.pay_scan(text->size()))
      return {};
    const auto size = static_cast<std::int64_t>(length_of(*text));
    const std::int64_t at = position < 0 ? position + size : position;
    if (at < 0 || at >= size)
      return {};
    const auto from = static_cast<std::size_t>(at);
    return operand(json::value(code_points(*text, from, from + 1)));
  }
  return {};
}

operand at_key(context& c, operand base, const json::value& key) {
  if (const json::string* text = key.if_string())
    return member_of(std::move(base), *text);
  if (key.is_int64())
    return element_of(c, std::move(base), key.get_int64());
  if (key.is_double() && std::floor(key.get_double()) == key.get_double() &&
      std::fabs(key.get_double()) < 1e15)
    return element_of(c, std::move(base), static_cast<std::int64_t>(key.get_double()));
  if (key.is_null()) // what a missing path as key gives
    return {};
  c.fail_type("a key must be text or an integer, not " + std::string(kind_name(key)));
  return {};
}

} // namespace troupe::expr

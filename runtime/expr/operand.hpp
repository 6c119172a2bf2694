// A value on its way through an evaluation: missing, borrowed from elsewhere, or owned.
#pragma once

#include "runtime/expr/context.hpp"

#include <cstdint>
#include <string_view>

namespace troupe::expr {

/// Reading a path copies nothing: the operand points into the state that holds it. Only `take`,
/// at the end or into a list, copies, and pays for it.
class operand {
public:
  operand() noexcept = default; ///< missing
  operand(operand&&) noexcept = default;
  operand& operator=(operand&&) noexcept = default;
  operand(const operand&) = delete; ///< a copy costs: see take and copy
  operand& operator=(const operand&) = delete;
  operand(json::value owned) : own_(std::move(owned)), state_(state::owned) {}
  /// `at` lives as long as `keep`, or longer than the evaluation.
  static operand borrow(const json::value* at, shared_value keep = {}) {
    operand o;
    o.at_ = at;
    o.keep_ = std::move(keep);
    o.state_ = state::borrowed;
    return o;
  }

  bool missing() const noexcept { return state_ == state::missing; }
  /// JSON null when missing. Valid until this operand is moved or ends.
  const json::value& get() const noexcept;
  /// The owned value, to be changed in place; nullptr when it belongs to somebody else.
  json::value* owned() noexcept { return state_ == state::owned ? &own_ : nullptr; }
  /// The value itself: moved if owned, copied and paid for otherwise.
  json::value take(context& c);
  /// The part `at` of this operand's value (which must lie in get()).
  operand part(const json::value* at) &&;

private:
  enum class state : std::uint8_t { missing, borrowed, owned };
  const json::value* at_ = nullptr;
  json::value own_;
  shared_value keep_;
  state state_ = state::missing;
};

/// A copy of `v`, paid for.
json::value copy(context& c, const json::value& v);
/// Bytes that `v` takes, roughly: 24 a value and the text; counting stops above `cap`.
std::size_t weight(const json::value& v, std::size_t cap) noexcept;
/// Whether lists and objects are nested in `v` more than `levels` deep.
bool deeper_than(const json::value& v, std::size_t levels) noexcept;

/// "null", "a boolean", "a number", "text", "a list", "an object".
std::string_view kind_name(const json::value& v) noexcept;

/// The member `key` of an object; missing for everything else.
operand member_of(operand base, std::string_view key);
/// The element of a list or the code point of a text, from the end if negative; missing outside.
/// An object is asked for the decimal text.
operand element_of(context& c, operand base, std::int64_t position);
/// By text or integer, as in `base[key]`.
operand at_key(context& c, operand base, const json::value& key);

} // namespace troupe::expr

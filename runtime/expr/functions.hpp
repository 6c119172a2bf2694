// The functions, filters, methods and tests of the language: all that an expression can call.
#pragma once

#include "runtime/expr/operand.hpp"

#include <cstdint>
#include <span>
#include <string_view>

namespace troupe::expr {

/// Evaluated arguments, the receiver of a filter or method first. Functions may change them.
using arguments = std::span<operand>;

/// Where a name may stand: f(x), x | f, x.f().
enum class use : std::uint8_t { function = 1, filter = 2, method = 4 };

constexpr std::uint8_t unlimited = 255;

struct function {
  std::string_view name;
  std::uint8_t uses; ///< bits of `use`
  std::uint8_t least;
  std::uint8_t most; ///< `unlimited`: as many as the text holds
  /// Names of the parameters, separated by spaces; what keyword arguments refer to.
  std::string_view parameters;
  operand (*call)(context&, arguments);
};

struct test {
  std::string_view name;
  std::uint8_t least; ///< with the tested value
  std::uint8_t most;
  bool (*holds)(context&, arguments);
};

/// nullptr for an unknown name.
const function* find_function(std::string_view name, use as) noexcept;
const test* find_test(std::string_view name) noexcept;

/// Calls `f` after checking the number of arguments, which parse cannot know for
/// `map('filter', …)`; counts as one level of depth.
operand call(context& c, const function& f, arguments args);
bool holds(context& c, const test& t, arguments args);

} // namespace troupe::expr

// What one evaluation carries: the names, what may still be spent, and the first failure.
#pragma once

#include "runtime/expr/expression.hpp"

#include <optional>
#include <string>

namespace troupe::expr {

/// After the first failure every payment is refused, so that loops end; what functions return then
/// is not looked at.
class context {
public:
  context(const names& scope, budget& spend) noexcept : scope_(scope), spend_(spend) {}

  const names& scope() const noexcept { return scope_; }
  bool failed() const noexcept { return failure_.has_value(); }
  failure take_failure() { return std::move(*failure_); }

  /// False, and the evaluation has failed, when fewer than `count` operations are left.
  bool pay(std::uint64_t count = 1);
  /// Pays for `bytes` to be built or copied; call it before allocating them.
  bool pay_output(std::size_t bytes);
  /// Pays for reading `bytes` (comparing, searching) without keeping them.
  bool pay_scan(std::size_t bytes) { return pay(1 + bytes / 64); }
  std::size_t output_left() const noexcept { return spend_.output_bytes; }

  bool enter();
  void leave() noexcept { --depth_; }

  void fail(failure why);
  void fail_type(std::string message) { fail(invalid("expression_type", std::move(message))); }
  void fail_value(std::string message) { fail(invalid("expression_value", std::move(message))); }
  void fail_budget(std::string message) { fail(invalid("expression_budget", std::move(message))); }

private:
  const names& scope_;
  budget& spend_;
  std::uint32_t depth_ = 0;
  std::optional<failure> failure_;
};

} // namespace troupe::expr

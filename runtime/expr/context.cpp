#include "runtime/expr/context.hpp"

namespace troupe::expr {

bool context::pay(std::uint64_t count) {
  if (failed())
    return false;
  if (count > spend_.operations) {
    spend_.operations = 0;
    fail_budget("the expression needs more operations than are allowed");
    return false;
  }
  spend_.operations -= count;
  return true;
}

bool context::pay_output(std::size_t bytes) {
  if (failed())
    return false;
  if (bytes > spend_.output_bytes) {
    fail_budget("the expression builds more text and lists than are allowed");
    return false;
  }
  spend_.output_bytes -= bytes;
  return pay(bytes / 1024);
}

bool context::enter() {
  if (depth_ >= spend_.depth) {
    fail_budget("the expression is nested deeper than is allowed");
    return false;
  }
  ++depth_;
  return true;
}

void context::fail(failure why) {
  if (!failed())
    failure_ = std::move(why);
}

} // namespace troupe::expr

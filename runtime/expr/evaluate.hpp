// Evaluation inside this folder: the result stays where it is until somebody takes it.
#pragma once

#include "runtime/expr/operand.hpp"

namespace troupe::expr {

/// The value of `e`; look at c.failed() before using it.
operand run(context& c, const expression& e);

} // namespace troupe::expr

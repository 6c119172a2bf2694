#include "runtime/base/byte_budget.hpp"

namespace troupe {

std::string_view to_text(budget_kind kind) noexcept {
  switch (kind) {
  case budget_kind::bodies: return "bodies";
  case budget_kind::streams: return "streams";
  case budget_kind::requests: return "requests";
  case budget_kind::runs: return "runs";
  case budget_kind::blobs: return "blobs";
  case budget_kind::log: return "log";
  case budget_kind::views: return "views";
  case budget_kind::tasks: return "tasks";
  case budget_kind::calls: return "calls";
  }
  return "other";
}

void byte_budget::want_relief() noexcept {
  wanted_.store(true);
  if (reads())
    tell_relief();
}

void byte_budget::tell_relief() noexcept {
  if (wanted_.exchange(false) && told_)
    told_();
}

} // namespace troupe

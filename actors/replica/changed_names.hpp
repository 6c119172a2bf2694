// What an entry of the log touched, as text: run ids or "collection/id", a line each.
#pragma once

#include "persistence/store/views.hpp"

#include <algorithm>
#include <string>
#include <string_view>

namespace troupe {

/// Calls `each` for every line that is not empty.
template <class Each> void each_name(std::string_view changed, Each&& each) {
  while (!changed.empty()) {
    const auto end = std::min(changed.find('\n'), changed.size());
    if (end > 0)
      each(changed.substr(0, end));
    changed.remove_prefix(std::min(end + 1, changed.size()));
  }
}

/// The name of the run or document that the row belongs to.
std::string name_of(const view_change& row);

} // namespace troupe

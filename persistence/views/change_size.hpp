// What a queued change of the views takes in memory.
#pragma once

#include "persistence/store/views.hpp"

#include <cstddef>
#include <vector>

namespace troupe {

/// About the bytes of the changes, texts included.
std::size_t size_of(const std::vector<view_change>& changes) noexcept;

} // namespace troupe

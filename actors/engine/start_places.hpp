// Places for queued starts and signals: so many a partition, and since when each is taken.
#pragma once

#include "runtime/base/instant.hpp"

#include <cstddef>
#include <cstdint>
#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

namespace troupe {

/// Thread-safe. Owned by shared_ptr; places that are taken keep it.
class start_places final : public std::enable_shared_from_this<start_places> {
public:
  start_places(std::size_t partitions, std::size_t places_max)
      : lines_(partitions), places_max_(places_max) {}

  /// A place, given back with the pointer; empty: all are taken. `held` is kept as long. `now` is
  /// engine_clock::elapsed.
  std::shared_ptr<void> take(std::uint16_t partition, milliseconds now, std::shared_ptr<void> held);

  /// Since when the place is taken that is taken longest; nothing: none is.
  std::optional<milliseconds> oldest() const;

private:
  struct line {
    mutable std::mutex mutex;
    std::list<milliseconds> since; ///< oldest first
  };
  std::vector<line> lines_; ///< by partition
  const std::size_t places_max_;
};

} // namespace troupe

#include "actors/engine/start_places.hpp"

#include <algorithm>

namespace troupe {

std::shared_ptr<void> start_places::take(std::uint16_t partition, milliseconds now,
                                         std::shared_ptr<void> held) {
  auto& in = lines_.at(partition);
  std::list<milliseconds>::iterator place;
  {
    const std::lock_guard lock(in.mutex);
    if (in.since.size() >= places_max_)
      return nullptr;
    place = in.since.insert(in.since.end(), now);
  }
  return {&in, [all = shared_from_this(), place, held = std::move(held)](void* at) {
            auto& of = *static_cast<line*>(at);
            const std::lock_guard lock(of.mutex);
            of.since.erase(place);
          }};
}

std::optional<milliseconds> start_places::oldest() const {
  std::optional<milliseconds> found;
  for (const auto& each : lines_) {
    const std::lock_guard lock(each.mutex);
    if (!each.since.empty())
      found = std::min(found.value_or(each.since.front()), each.since.front());
  }
  return found;
}

} // namespace troupe

#include "actors/base/leading.hpp"

namespace troupe {

bool leads_under(const engine_shared& shared, partition_id partition, std::uint64_t term) {
  const auto now = shared.log.leads(partition);
  return now.here && now.term == term;
}

failure not_open(const engine_shared& shared, partition_id partition) {
  const auto now = shared.log.leads(partition);
  if (!now.here)
    return not_leader(now);
  return {failure_kind::unavailable,
          "opening",
          "the node is starting",
          "try again with the same key",
          {}};
}

} // namespace troupe

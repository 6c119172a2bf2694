#include "persistence/store/refusals.hpp"

namespace troupe {

failure storage_full() {
  return {failure_kind::storage_full,
          "storage_full",
          "the disk has no space left",
          "free space on the disk of the data directory; writes are accepted again by themselves",
          {}};
}

failure shutting_down() {
  return {failure_kind::unavailable, "shutting_down", "the store is closing", {}, {}};
}

failure not_leader(const leadership& now) {
  return {failure_kind::unavailable,
          "not_leader",
          "another node leads this partition",
          now.leader == 0 ? std::string{} : std::to_string(now.leader),
          {}};
}

failure leadership_lost() {
  return {failure_kind::unavailable,
          "leadership_lost",
          "another node leads this partition since; whether it took this is not known",
          "try again with the same key",
          {}};
}

} // namespace troupe

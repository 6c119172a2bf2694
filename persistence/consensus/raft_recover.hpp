// When most nodes of a cluster are lost for good: what a stopped survivor holds of a partition, and
// how it goes on as the only member. No node may run on the rows meanwhile.
#pragma once

#include "persistence/consensus/raft_types.hpp"
#include "persistence/store/store.hpp"

#include <cstdint>
#include <optional>
#include <vector>

namespace troupe::raft {

/// What a survivor has of one partition. Entries behind `applied` are in its log, and nobody can
/// say any more whether they were committed: they are kept.
struct partition_remains {
  log_index applied = 0, last = 0; ///< 0: it has nothing
  term_number last_term = 0;
  ballot last_ballot;
  std::optional<snapshot_mark> snapshot;
  std::uint64_t unfinished_runs = 0;
};

/// First completes a state that was fetched and not swapped in. Fails with code "store_corrupt".
result<partition_remains> remains_of(partition_id partition, row_store& rows);

/// Rows that make `self` the only voter, of a term above every one it knows: it elects itself,
/// commits what its log holds, and all changes of members that were under way are forgotten.
/// Written twice they mean the same.
result<std::vector<row_change>> rows_alone(partition_id partition, node_number self,
                                           const partition_remains& from, const row_reader& rows);

} // namespace troupe::raft

// Large values on their way through a log: cut into entries of their own, which go ahead of the
// entry that names them, a few at a time, so that nothing else has to stand behind them.
//
//   proposal { small rows, a row of 10 MiB }  →  part, part, part …, batch { small rows }
//
// Parts of one proposal and its batch follow each other in the log, all of one term, with nothing
// between them but changes of members; nothing of them is applied before the batch is there. An
// entry of another term means that their leader was lost: they become nothing, on every replica.
#pragma once

#include "persistence/consensus/raft_types.hpp"
#include "persistence/store/entry.hpp"

#include <deque>
#include <string>
#include <vector>

namespace troupe::raft {

struct large_options {
  std::size_t value_bytes = std::size_t{32} << 10; ///< a longer one goes in parts, and
  std::size_t part_bytes = std::size_t{256} << 10; ///< a part has so many
};

/// What waits to be submitted to a group, in this order.
struct outgoing_entry {
  entry_kind kind = entry_kind::batch;
  std::string bytes;
  std::vector<proposal_done> done;
};

/// Puts proposals into as few entries as may be. `what` is left empty.
std::deque<outgoing_entry> entries_of(std::vector<std::pair<proposal, proposal_done>> what,
                                      const large_options& how);

/// Parts that were seen and whose batch was not.
class part_joiner {
public:
  struct seen {
    log_index index = 0;
    entry_ptr what;
  };
  /// What is complete with this entry, in order: parts, if any, and it; empty: it is a part.
  /// `rows` gets the rows of parts that belong to a batch.
  std::vector<seen> add(log_index index, entry_ptr what, std::string& rows);
  std::size_t size() const noexcept { return parts_.size(); }
  void clear() { parts_.clear(); }

private:
  std::vector<seen> parts_;
};

} // namespace troupe::raft

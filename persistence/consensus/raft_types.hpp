// What a Raft group stores and sends, without a word of the library that drives it.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe::raft {

/// The library's numbers. A node has one greater than zero, never used again after a disk is lost.
using node_number = unsigned long long;
using term_number = unsigned long long;
using log_index = unsigned long long; ///< the first entry has 1

enum class member_role : std::uint8_t { voter = 0, learner = 1 };

struct member {
  node_number node = 0;
  member_role role = member_role::voter;
  friend bool operator==(const member&, const member&) = default;
};
/// In an order that never changes; a change adds, removes or turns one member.
using membership = std::vector<member>;

/// Durable before any message of the same step leaves.
struct ballot {
  term_number term = 0;
  node_number voted_for = 0; ///< 0: nobody in this term
  friend bool operator==(const ballot&, const ballot&) = default;
};

/// `part`: rows that belong to the next `batch` of the same term (raft_large.hpp).
enum class entry_kind : std::uint8_t { batch = 1, barrier = 2, members = 3, part = 4 };

/// Entries are shared between the log, what is in flight and what waits to be applied.
struct entry {
  term_number term = 0;
  entry_kind kind = entry_kind::batch;
  std::string bytes; ///< of a `members` entry: encode(membership)
};
using entry_ptr = std::shared_ptr<const entry>;

/// The state that stands for all entries up to an index.
struct snapshot_mark {
  log_index index = 0;
  term_number term = 0;
  membership members;
  log_index members_index = 0; ///< of the entry that made `members`
};

/// Replaces everything from `from` on.
struct append {
  log_index from = 0;
  std::vector<entry_ptr> entries;
};

// Messages: the field names are those of the paper ("In Search of an Understandable Consensus
// Algorithm", figures 2 and 13). Beside them are times of a leader's clock, for its lease
// (raft_lease.cpp).
struct request_vote {
  term_number term = 0;
  log_index last_index = 0;
  term_number last_term = 0;
  bool disrupt_leader = false;
  bool pre_vote = false;
  std::uint64_t released_ms = 0; ///< of the `timeout_now` that this follows from
};
struct vote {
  term_number term = 0;
  bool granted = false;
  bool pre_vote = false;
};
struct append_entries {
  term_number term = 0;
  log_index previous_index = 0;
  term_number previous_term = 0;
  log_index commit = 0;
  std::vector<entry_ptr> entries;
  std::uint64_t sent_ms = 0; ///< 0: the leader asks for no lease
};
struct append_result {
  term_number term = 0;
  log_index rejected = 0; ///< 0: accepted
  log_index last_index = 0;
  std::uint64_t heard_ms = 0; ///< the latest `sent_ms` of this term's leader
};
/// The state itself goes out of band, in chunks; this says that it is whole at the receiver.
struct install_snapshot {
  term_number term = 0;
  snapshot_mark mark;
};
struct timeout_now {
  term_number term = 0;
  log_index last_index = 0;
  term_number last_term = 0;
  std::uint64_t released_ms = 0; ///< since then the leader has no lease
};

struct message {
  node_number from = 0;
  node_number to = 0;
  std::variant<request_vote, vote, append_entries, append_result, install_snapshot, timeout_now>
      what;
};

} // namespace troupe::raft

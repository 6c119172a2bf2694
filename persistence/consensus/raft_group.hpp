// One Raft group as a state machine: C-Raft, with the rules of its driver kept in one place.
#pragma once

#include "persistence/consensus/raft_types.hpp"
#include "runtime/base/result.hpp"

#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

struct raft_event;
struct raft_update;

namespace troupe::raft {

struct group_options {
  node_number self = 0;
  std::uint64_t election_timeout_ms = 500; ///< drawn from one to two of these
  std::uint64_t heartbeat_ms = 100;        ///< at least the longest stall of a follower's disk
  std::uint32_t inflight_entries_max = 4'096;
  std::size_t message_bytes_max = std::size_t{1} << 20; ///< or one larger entry
  std::size_t cache_bytes_max = std::size_t{4} << 20;   ///< of entries kept for slow followers
  std::uint32_t seed = 1;
};

/// What a group finds at its start; all empty: a node that waits to be added.
struct stored_group {
  ballot last_ballot;
  std::optional<snapshot_mark> snapshot;
  log_index first = 1;            ///< of `entries`; at most one behind the snapshot
  std::vector<entry_ptr> entries; ///< their bytes may be left out, but for those of members
};

/// What must be done now, in this order: the ballot and the appends become durable (one write),
/// then persisted() is told. Messages may leave before that write when there is no ballot.
struct group_work {
  std::optional<ballot> new_ballot;
  std::vector<append> appends;
  std::vector<message> messages;
  std::optional<snapshot_mark> install; ///< fetch it from the leader, then call installed()
};

enum class group_role : std::uint8_t { follower, candidate, leader };

/// Not thread-safe; does no I/O and knows no clock: `now_ms` is any clock that never goes back.
/// A failure of kind `internal` (code "raft_conflict") means that a committed entry is
/// contradicted: the group must not go on.
class group {
public:
  /// Gives an entry of the log that the group no longer has in memory.
  using entry_reader = std::function<result<entry_ptr>(log_index)>;

  group(const group_options& options, entry_reader read_entry);
  ~group();
  group(const group&) = delete;
  group& operator=(const group&) = delete;

  result<void> start(std::uint64_t now_ms, stored_group stored);
  result<void> receive(std::uint64_t now_ms, message from_peer);
  /// Called at deadline() or later.
  result<void> tick(std::uint64_t now_ms);
  /// An append of take_work(), and all before it, is durable. What a later one has taken back since
  /// counts for nothing.
  result<void> persisted(std::uint64_t now_ms, const append& what);
  result<void> installed(std::uint64_t now_ms, const snapshot_mark& mark);

  /// The index of the first entry. Fails with kind `unavailable` (code "not_leader") elsewhere.
  result<log_index> submit(std::uint64_t now_ms, entry_kind kind, std::vector<std::string> bytes);
  /// One member at a time. Fails with kind `conflict`: code "change_under_way" before the last
  /// change is committed, "leader_leaves" where this node would no longer be a voter (a leader that
  /// is left out may be needed after all, and the library would let it neither lead nor vote:
  /// transfer() first). A learner becomes a voter when match_index() says that it has caught up.
  result<log_index> change(std::uint64_t now_ms, const membership& to);
  /// Leadership goes to a voter, 0: to any that is up to date.
  result<void> transfer(std::uint64_t now_ms, node_number to);
  /// The state up to `index` is durable: entries up to it, but the last `keep`, may be dropped once
  /// snapshot() is durable. Returns the first that must stay.
  result<log_index> snapshot_taken(std::uint64_t now_ms, log_index index, std::uint32_t keep);

  /// What gathered since the last call.
  group_work take_work();

  group_role role() const;
  term_number term() const;
  node_number leader() const; ///< 0: not known
  log_index commit() const noexcept { return commit_; }
  log_index last_index() const;
  /// Whether an entry of this term is committed: then all of former terms are known here, and the
  /// state that follows from them may be read and led.
  bool settled() const noexcept { return role() == group_role::leader && commit_ >= barrier_; }
  /// Until when nobody else can lead: less than an election timeout after a majority, this node
  /// included, was sent what it answered. 0: not known, or this node does not lead.
  std::uint64_t lease_until_ms(std::uint64_t now_ms) const;
  /// A transfer is under way: submissions fail with "not_leader".
  bool hands_over() const;
  /// Whether a follower of this leader answered to what was sent within the election timeout.
  bool hears(std::uint64_t now_ms, node_number follower) const;
  /// Up to where a follower is known to have this leader's log; 0: not known.
  log_index match_index(node_number node) const;
  const membership& members() const noexcept { return members_; }
  const std::optional<snapshot_mark>& snapshot() const noexcept { return snapshot_; }
  std::uint64_t deadline_ms() const;
  /// An entry that is in memory or in the log.
  result<entry_ptr> entry_at(log_index index) const;

private:
  struct library;

  result<void> step(std::uint64_t now_ms, raft_event& event, raft_update& update);
  result<void> step(std::uint64_t now_ms, raft_event& event);
  void collect(const raft_update& update);
  result<void> advance(std::uint64_t now_ms);
  void add_append(log_index from, std::vector<entry_ptr> entries);
  void skip_known(append_entries& what) const;
  void begin_term_alone();
  bool outdated(node_number from, const append_result& refusal) const;
  result<void> refuse(const message& of_former_term);
  result<void> receive_vote_request(std::uint64_t now_ms, raft_event& event);
  // The lease
  void note_contact(const message& from_peer);
  bool may_hear(message& from_peer) const;
  bool leased_since(std::uint64_t released_ms) const;
  void release_lease();
  void stamp(message& what);
  void send_entries(node_number to, const append_entries& head, std::uint32_t count);
  void keep(log_index from, const std::vector<entry_ptr>& entries);
  void drop_cached();

  const group_options options_;
  const entry_reader read_entry_;
  std::unique_ptr<library> raft_;
  std::deque<entry_ptr> cache_;
  log_index cache_from_ = 1; ///< index of the first in cache_
  std::size_t cache_bytes_ = 0;
  std::vector<entry_ptr> arriving_; ///< of the message or submission that is being stepped
  log_index arriving_from_ = 0;
  membership members_;
  std::pair<log_index, log_index> members_at_; ///< committed and not, as the library counts them
  std::optional<snapshot_mark> snapshot_;
  log_index commit_ = 0;
  log_index barrier_ = 0; ///< of this node's own term
  term_number led_ = 0;   ///< the term whose barrier is in the log
  std::uint64_t now_ms_ = 0, started_ms_ = 0;
  std::uint64_t leader_heard_ms_ = 0;
  // The lease: times of this node's clock as a leader, and of another's as its follower
  std::map<node_number, std::uint64_t> heard_; ///< of a follower: when what it answered was sent
  std::uint64_t released_ms_ = 0;              ///< by this leader, for a transfer; 0: never
  term_number followed_ = 0;                   ///< the term whose leader sent followed_ms_
  std::uint64_t followed_ms_ = 0;
  term_number asked_to_lead_in_ = 0; ///< by a `timeout_now` of the term before
  std::uint64_t asked_to_lead_ms_ = 0;
  group_work work_;
};

} // namespace troupe::raft

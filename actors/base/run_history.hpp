// The stored side of a run: how its turns become rows, and how rows become a run again.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/base/run_blobs.hpp"
#include "runtime/engine/projection.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A run in memory.
struct run_record {
  run_state state;
  plan_ptr plan;
  footprint rows;
  sequence_number snapshot_seq = 0; ///< of the stored snapshot; 0: none
  std::size_t snapshot_bytes = 0;
};

/// What one turn asks the log for, and what follows from its commit.
struct turn_rows {
  std::vector<row_change> facts, derived;
  std::vector<view_change> views;
  std::vector<outbox_message> outbox;
};

/// Moves `run.rows` on. `run.state` is the state after the turn.
turn_rows turn_rows_of(const engine_settings& settings, partition_id partition, run_record& run,
                       const std::vector<event>& turn, run_blobs& blobs);

/// Snapshot and the turns after it, folded. Code "execution_not_found" when nothing is stored,
/// "execution_unreadable" when processes have died of it.
result<run_record> load_run(const engine_shared& shared, partition_id partition, const run_id& run);
/// The same for who holds a mark already.
result<run_record> fold_run(const engine_shared& shared, partition_id partition, const run_id& run);

/// A snapshot that is longer lies in `blobs`, under a key that no content has; its row in `state`
/// says large_snapshot.
inline constexpr std::size_t snapshot_row_bytes_max = std::size_t{64} << 10;
inline constexpr const char* large_snapshot = "large";
std::string large_snapshot_key(partition_id partition, const run_id& run);

/// One event as stored; valid during the call that got it.
struct stored_event {
  sequence_number seq = 0;
  std::string_view kind, line;
  chain_hash hash{};
  std::string json() const; ///< with its hash, as the API shows it
};
/// Calls `each` for the events after `after` until it returns false.
result<void> each_event(const engine_shared& shared, partition_id partition, const run_id& run,
                        sequence_number after,
                        const std::function<bool(const stored_event&)>& each);

/// Calls `each` for every stored turn until it returns false.
result<void> each_turn(const engine_shared& shared, partition_id partition, const run_id& run,
                       const std::function<bool(std::vector<event>)>& each);

/// What a running execution must hold, as its row in `active` remembers it; nothing: no token.
std::optional<token_wanted> token_of(const engine_settings& settings, const run_record& run);
std::optional<token_wanted> token_from_row(const run_id& run, std::string_view value, bool& queued);

// Answers, from committed state
result<execution_text> execution_text_of(const engine_shared& shared, partition_id partition,
                                         const run_record& run, blob_port& blobs);
void answer_about(const engine_shared& shared, partition_id partition, const run_record& run,
                  blob_port& blobs, run_question& question);
/// The same for a run that is not live.
void answer_from_store(engine_shared& shared, partition_id partition, const run_id& run,
                       run_question& question);

/// SHA-256 over a 32-byte hash and bytes, as the codec wants it.
chain_hash audit_digest(std::string_view previous, std::string_view bytes);

/// What the steps of an earlier run gave, with large values inline.
result<std::vector<events::reused_output>> outputs_of(engine_shared& shared, const run_id& run);
/// The rows of lists that a run's history leads to (to rebuild views); execution_gone when nothing
/// is stored of it. Fails when the history cannot be read.
result<std::vector<view_change>> list_rows_of(engine_shared& shared, partition_id partition,
                                              const run_id& run);

// Keys
std::string active_key(partition_id partition, bool owing, const run_id& run);
std::string timer_key(partition_id partition, instant due, const run_id& run, std::uint64_t timer);
std::string outbox_row_key(partition_id partition, const outbox_message& what);

} // namespace troupe

// A run's state as one row: what a load needs instead of the whole history.
#pragma once

#include "runtime/engine/projection.hpp"
#include "runtime/engine/state.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// Snapshots of another format are ignored: the state is folded from the events again.
constexpr std::uint32_t snapshot_format = 1;
/// No snapshot row is longer.
constexpr std::size_t snapshot_bytes_max = 64u << 10;

/// The state and what its rows say so far, as JSON. A state that is large as text has its values,
/// and if need be the whole text, saved through `blobs`: these blobs belong to the snapshot and
/// must be referenced with it.
std::string encode_snapshot(const run_state& s, const footprint& so_far, blob_port& blobs);
std::string encode_state(const run_state& s, blob_port& blobs);

struct snapshot {
  run_state state;
  footprint so_far;
};
/// Gives back exactly what was encoded: inline values are inline, blobs are blobs. Fails with code
/// "snapshot_malformed" or "snapshot_format" (another format version), and as `blobs` does when a
/// blob of the snapshot is gone. In every case the state can be folded from the events.
result<snapshot> decode_snapshot(std::string_view text, blob_port& blobs);
result<run_state> decode_state(std::string_view text, blob_port& blobs);

/// A stable hash of everything a decision may read. Equal states have equal hashes; an inline
/// value and the same value as a blob are different.
std::uint64_t state_hash(const run_state& s);

} // namespace troupe

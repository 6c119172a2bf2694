// A run's state as one text: what a load needs instead of the whole history.
#pragma once

#include "runtime/engine/projection.hpp"
#include "runtime/engine/state.hpp"

#include <string>
#include <string_view>

namespace troupe {

/// Snapshots of another format are ignored: the state is folded from the events again.
constexpr std::uint32_t snapshot_format = 2;

/// The state and what its rows say so far, as JSON. Values that are blobs stay blobs, which the
/// events reference.
std::string encode_snapshot(const run_state& s, const footprint& so_far);
std::string encode_state(const run_state& s);

struct snapshot {
  run_state state;
  footprint so_far;
};
/// Gives back exactly what was encoded. Fails with code "snapshot_malformed" or "snapshot_format"
/// (another format version): then the state can be folded from the events.
result<snapshot> decode_snapshot(std::string_view text);
result<run_state> decode_state(std::string_view text);

/// A stable hash of everything a decision may read. Equal states have equal hashes; an inline
/// value and the same value as a blob are different.
std::uint64_t state_hash(const run_state& s);

} // namespace troupe

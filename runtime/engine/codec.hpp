// Events as bytes: one compact JSON object a line (docs/event-format.md), and the row that keeps
// the events of one turn with their place in the run's hash chain. Pure and thread-safe.
#pragma once

#include "runtime/engine/event.hpp"

#include <array>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Appends one event, without a line end.
void encode_event(std::string& out, const event& e);
/// All events, joined by '\n'; no line end after the last.
std::string encode_events(const std::vector<event>& what);

/// Fails with code "event_kind_unknown" for a kind of a later release, and "event_malformed" for
/// anything that encode_events cannot have written; both messages name the event. Unknown members
/// are ignored: they stay in the stored bytes.
result<std::vector<event>> decode_events(std::string_view text);

/// Appends the `data` object of an event, as stored.
void encode_data(std::string& out, const events::any& what);

/// Every blob that the events name, in order, repeats included.
void blobs_of(const std::vector<event>& what, std::vector<blob_id>& into);
void blobs_of(const events::any& what, std::vector<blob_id>& into);

/// SHA-256 of a and b, one after the other. Injected: the core has no cryptography of its own.
using chain_hash = std::array<std::uint8_t, 32>;
using digest_fn = chain_hash (*)(std::string_view a, std::string_view b);

/// The hash of event n is SHA-256(hash of event n−1 ‖ bytes of line n); before the first: zeros.
chain_hash next_hash(const chain_hash& previous, std::string_view line, digest_fn digest);

/// What stands before a turn's events.
struct turn_header {
  chain_hash previous{}; ///< of the event before the turn
  chain_hash last{};     ///< of the turn's last event
  std::uint32_t count = 0;
};
constexpr std::uint8_t turn_format = 1;
constexpr std::size_t turn_header_bytes = 1 + 32 + 32 + 4;

/// Hashes the lines of a turn.
turn_header seal(const chain_hash& previous, std::string_view events_text, digest_fn digest);

/// Format version, previous hash, last hash, count (big-endian), then the text.
std::string encode_turn(const turn_header& header, std::string_view events_text);

/// A decoded row; `text` points into the bytes it came from.
struct turn_row {
  turn_header header;
  std::string_view text;
};
/// Fails with code "turn_format_unknown" or "turn_malformed".
result<turn_row> decode_turn(std::string_view bytes);

/// Computes the hashes anew. Fails with code "turn_corrupt" when they differ from the header.
result<void> verify_turn(const turn_row& row, digest_fn digest);

/// Calls `each(line, hash)` for every event of a row, in order.
void each_line(const turn_row& row, digest_fn digest,
               const std::function<void(std::string_view line, const chain_hash& hash)>& each);

} // namespace troupe

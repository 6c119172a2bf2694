// Messages between the logs of two nodes, as bytes: what one flush has for one peer goes together.
//
//   version (1 byte: 1), then messages: partition (2), kind (1), the fields of the struct
#pragma once

#include "persistence/consensus/raft_types.hpp"
#include "persistence/store/byte_codec.hpp"
#include "runtime/base/ids.hpp"

#include <functional>
#include <string>
#include <string_view>
#include <variant>

namespace troupe::raft {

/// A follower asks for the next part of the leader's state.
struct fetch_state {
  std::uint64_t transfer = 0; ///< number of the follower's choice
  std::uint32_t part = 0;     ///< from 0; asked again when it got lost
};
/// A part of the state: rows, as append_rows() reads them.
struct state_part {
  std::uint64_t transfer = 0;
  std::uint32_t part = 0;
  bool last = false;
  std::string rows;
  std::string head; ///< of the last part: the log head that belongs to the rows
};

using wire_message = std::variant<message, fetch_state, state_part>;

/// `to` and `from` of a message are not sent: the network knows them.
void write_message(byte_writer& to, partition_id partition, const wire_message& what);

/// Calls `each` for every message. False: the rest of the bytes is not of that form; what came
/// before was given.
bool read_messages(std::string_view bytes, node_number from, node_number self,
                   const std::function<void(partition_id, wire_message)>& each);

inline constexpr std::uint8_t wire_version = 1;

// Stored forms of the same things.
std::string encode(const ballot& what);
bool decode(std::string_view bytes, ballot& what);
std::string encode(const snapshot_mark& what);
bool decode(std::string_view bytes, snapshot_mark& what);

} // namespace troupe::raft

// Memberships and messages in the library's own structures, and back.
#pragma once

#include "persistence/consensus/raft_types.hpp"

#include <optional>
#include <string>
#include <string_view>

struct raft_configuration;
struct raft_message;

namespace troupe::raft {

/// The payload of a `members` entry, in the library's format.
std::string encode(const membership& members);
std::optional<membership> membership_from(std::string_view bytes);

/// The caller closes it, or hands it to the library.
raft_configuration to_library(const membership& members);
membership from_library(const raft_configuration& members);

/// Without entries. `address` must live as long as the message.
raft_message to_library(const message& what, const char* address);
/// All but append_entries. `snapshot` is what an install_snapshot speaks of.
message from_library(const raft_message& what, node_number self,
                     const std::optional<snapshot_mark>& snapshot);

} // namespace troupe::raft

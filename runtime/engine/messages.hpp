// What a run says to other runs. Messages are rows of the outbox, projected from the event that
// decided them; the target ignores an id it has seen.
#pragma once

#include "runtime/engine/event.hpp"

#include <string>
#include <string_view>
#include <variant>

namespace troupe {

namespace messages {

/// Begin a sub-workflow. A blob in `input` lives in the sender's partition.
struct start_child {
  static constexpr std::string_view name = "start_child";
  run_id child;
  parent_link parent;
  std::string workflow_id;
  std::uint32_t workflow_version = 0; ///< 0: the active one
  value_ref input;
  std::uint32_t depth = 1;
  std::string triggered_by, priority, trace_id, user;
};
/// The parent has ended or was cancelled.
struct cancel_child {
  static constexpr std::string_view name = "cancel_child";
  run_id child;
  std::string reason;
};
/// To the parent: its child has ended. A blob in `output` lives in the sender's partition.
struct child_ended {
  static constexpr std::string_view name = "child_ended";
  parent_link parent;
  run_id child;
  run_status status = run_status::success;
  value_ref output;
  std::optional<error_info> error;
};

using any = std::variant<start_child, cancel_child, child_ended>;

} // namespace messages

/// One row of the outbox.
struct outbox_message {
  partition_id target{};
  std::string id; ///< "<run id>.<seq of the event>": the same whenever the event is projected
  messages::any what;
};

/// The message as JSON (docs/event-format.md, "Messages").
std::string encode_message(const messages::any& what);
/// Fails with code "message_malformed" or "message_unknown".
result<messages::any> decode_message(std::string_view text);

} // namespace troupe

// What can be asked of a run. Commands carry facts: decide reads no clock and no random numbers.
#pragma once

#include "runtime/engine/event.hpp"

#include <variant>

namespace troupe {

/// How one attempt ended, as its executor saw it.
struct attempt_outcome {
  bool succeeded = false;
  std::vector<port_value> ports; ///< on success; values not yet kept (inline of any size)
  error_info error;              ///< otherwise
  std::optional<milliseconds> retry_after;
  std::vector<std::string> created_source_ids, created_note_ids;
  shared_value logs, usage;
};

namespace commands {

/// Begins a run; `what.input` and the like may be large, decide keeps them.
struct start {
  events::execution_started what;
};
struct admit {};
/// The first recorded outcome of an attempt wins; others are ignored.
struct finish_attempt {
  place at;
  std::uint32_t attempt = 1;
  attempt_outcome outcome;
};
/// After a crash: every attempt in flight is interrupted.
struct recover {};
struct fire_timer {
  std::uint64_t timer = 0;
};
struct signal {
  std::string name;
  value_ref data;
  std::string message_id;
};
struct decide_review {
  std::string review;
  bool approved = true;
  value_ref data;
  std::string message, by;
};
struct finish_child {
  place at;
  run_id child;
  run_status status = run_status::success;
  value_ref output;
  std::optional<error_info> error;
};
struct cancel {
  std::string reason, by;
};
struct pause {
  std::string by;
};
struct resume {
  std::string by;
};
struct retry {
  std::string from;       ///< "failed" or a node id
  shared_value overrides; ///< node id → parameters; may be empty
  std::string by;
  value_ref input{}; ///< takes the place of the run's input for what runs again; may be empty
};
/// Goes on after a turn that yielded.
struct proceed {};
/// The engine gives the run up: its actor fails again and again.
struct quarantine {
  std::string reason;
};

using any = std::variant<start, admit, finish_attempt, recover, fire_timer, signal, decide_review,
                         finish_child, cancel, pause, resume, retry, proceed, quarantine>;

} // namespace commands
} // namespace troupe

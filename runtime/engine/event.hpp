// Everything that can happen to a run. An event is a fact as recorded or a decision; state changes
// by events only. Field names here are the names in the stored JSON (docs/event-format.md).
#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/engine/status.hpp"
#include "runtime/engine/value.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace troupe {

/// Indices of the iterations around a node, outermost first; empty in the workflow itself.
using iteration_path = std::vector<std::uint32_t>;
std::string to_text(const iteration_path& path); ///< "3/0"; "" for the root
std::optional<iteration_path> iteration_from_text(std::string_view text);

/// A node in one iteration.
struct place {
  std::string node; ///< node id
  iteration_path iteration;
};

struct port_value {
  std::string port;
  value_ref value;
};

struct error_info {
  std::string code, message;
  std::uint32_t status = 0; ///< HTTP status, when there was one
  bool retryable = false;
  value_ref data; ///< what a remote said; may be empty
};

/// Who waits for a run's end.
struct parent_link {
  run_id run;
  place at;
};

/// How a failed node leaves its dependants.
enum class failure_outcome : std::uint8_t {
  stop,       ///< dependants cannot be satisfied
  continued,  ///< dependants see null on main
  error_port, ///< the error edge takes it: handled
  blocked,    ///< failed without an attempt, because a dependency failed
};

enum class skip_kind : std::uint8_t { condition, dead_branch, not_selected };

/// What a node in status waiting waits for.
enum class wait_kind : std::uint8_t {
  none,
  delay,
  time,
  condition,
  signal,
  review,
  child,
  merge,
  retry
};

enum class timer_purpose : std::uint8_t { node, retry, deadline };

enum class review_decision : std::uint8_t { approved, rejected, completed, expired, withdrawn };

namespace events {

/// A reused result of an earlier run (start_from_node, one node alone).
struct reused_output {
  std::string node;
  std::vector<port_value> ports;
};

struct execution_started {
  static constexpr std::string_view kind = "execution_started";
  std::string workflow_id, workflow_name;
  std::uint32_t workflow_version = 0;
  std::string definition; ///< SHA-256 of the stored definition, hex
  std::uint32_t semantics = 1;
  value_ref input, vars;
  std::string trigger_type, triggered_by, priority, trace_id, user;
  std::optional<parent_link> parent;
  std::uint32_t depth = 0;
  bool dry_run = false, queued = false;
  bool disabled = false; ///< the workflow was disabled: the run ends cancelled at once
  std::optional<instant> deadline;
  std::uint64_t seed = 0;
  std::uint32_t interruptions_max = 0; ///< in a row, then quarantine; as set when the run began
  std::string only_node;               ///< run this node alone
  std::string from_node;               ///< run this node and what depends on it
  std::vector<reused_output> reused;
  shared_value overrides; ///< node id → parameters that replace the definition's; may be empty
};
struct execution_admitted {
  static constexpr std::string_view kind = "execution_admitted";
};
struct execution_paused {
  static constexpr std::string_view kind = "execution_paused";
  std::string by;
};
struct execution_resumed {
  static constexpr std::string_view kind = "execution_resumed";
  std::string by;
};
struct execution_finished {
  static constexpr std::string_view kind = "execution_finished";
  run_status status = run_status::success;
  value_ref output; ///< mapped and named outputs; the steps' outputs are in their own events
  std::optional<error_info> error;
  std::string error_node;
};
struct execution_retried {
  static constexpr std::string_view kind = "execution_retried";
  std::uint32_t attempt = 2;
  std::vector<std::string> from; ///< node ids that run again, with all that depends on them
  shared_value overrides;
  std::optional<instant> deadline;
  std::string by;
  value_ref input; ///< the run's input from now on; empty: as before
};
struct node_scheduled {
  static constexpr std::string_view kind = "node_scheduled";
  place at;
  std::uint32_t attempt = 1, max_attempts = 1;
  std::string skill;
  value_ref parameters; ///< rendered
  bool fallback = false;
};
struct node_waiting {
  static constexpr std::string_view kind = "node_waiting";
  place at;
  wait_kind wait = wait_kind::none;
  std::string name;             ///< of the signal
  std::optional<instant> until; ///< when waiting ends at the latest
};
struct node_completed {
  static constexpr std::string_view kind = "node_completed";
  place at;
  std::uint32_t attempt = 0; ///< 0: without an attempt (pure nodes)
  std::vector<port_value> ports;
  std::vector<std::string> created_source_ids, created_note_ids;
  shared_value logs, usage; ///< may be empty
  bool fallback = false, reused = false;
};
struct node_failed {
  static constexpr std::string_view kind = "node_failed";
  place at;
  std::uint32_t attempt = 0;
  error_info error;
  failure_outcome outcome = failure_outcome::stop;
  shared_value logs;
};
struct node_retrying {
  static constexpr std::string_view kind = "node_retrying";
  place at;
  std::uint32_t attempt = 1; ///< the one that failed
  error_info error;
  instant due{};
  shared_value logs;
};
struct node_skipped {
  static constexpr std::string_view kind = "node_skipped";
  place at;
  skip_kind skip = skip_kind::condition;
  std::string reason, warning;
};
struct attempt_interrupted {
  static constexpr std::string_view kind = "attempt_interrupted";
  place at;
  std::uint32_t attempt = 1;
};
struct timer_set {
  static constexpr std::string_view kind = "timer_set";
  place at; ///< no node: the run's deadline
  std::uint64_t timer = 0;
  instant due{};
  timer_purpose purpose = timer_purpose::node;
};
struct timer_fired {
  static constexpr std::string_view kind = "timer_fired";
  std::uint64_t timer = 0;
  instant due{};
};
struct timer_cancelled {
  static constexpr std::string_view kind = "timer_cancelled";
  std::uint64_t timer = 0;
  instant due{};
};
struct signal_received {
  static constexpr std::string_view kind = "signal_received";
  std::string name;
  value_ref data;
  std::string message_id; ///< of the sender; a second one with the same id is ignored
};
struct signal_taken {
  static constexpr std::string_view kind = "signal_taken";
  std::string name;
  place at;
};
struct review_opened {
  static constexpr std::string_view kind = "review_opened";
  place at;
  std::string review; ///< "<run id>.<number>"
  std::string type;   ///< approval, input, review, confirmation, interrupted
  std::string title, message, priority;
  value_ref form, context;
  std::optional<instant> due;
};
struct review_decided {
  static constexpr std::string_view kind = "review_decided";
  place at;
  std::string review;
  review_decision decision = review_decision::approved;
  value_ref data;
  std::string message, by;
};
struct child_started {
  static constexpr std::string_view kind = "child_started";
  place at;
  run_id child;
  std::string workflow_id;
  std::uint32_t workflow_version = 0; ///< 0: the active one
  value_ref input;
  std::uint32_t depth = 1;
};
struct child_cancelled { ///< the parent asks; the child's own end is not waited for
  static constexpr std::string_view kind = "child_cancelled";
  place at;
  run_id child;
};
struct child_finished {
  static constexpr std::string_view kind = "child_finished";
  place at;
  run_id child;
  run_status status = run_status::success;
  value_ref output;
  std::optional<error_info> error;
};
struct loop_started {
  static constexpr std::string_view kind = "loop_started";
  place at;
  value_ref items; ///< of foreach; otherwise empty
  std::optional<std::uint64_t> total;
};
struct iteration_started {
  static constexpr std::string_view kind = "iteration_started";
  place at; ///< the loop
  std::uint32_t index = 0;
  value_ref
      item; ///< left out when it is items[index] of an inline list, the last result or the index
};
struct iteration_finished {
  static constexpr std::string_view kind = "iteration_finished";
  place at;
  std::uint32_t index = 0;
  value_ref result;
  bool failed = false;
};
/// Results in order move out of the state; the chunk is a JSON list, saved as a blob.
struct results_stored {
  static constexpr std::string_view kind = "results_stored";
  place at; ///< the loop
  std::uint32_t count = 0;
  value_ref chunk;
};
struct value_emitted {
  static constexpr std::string_view kind = "value_emitted";
  place at;
  std::uint32_t attempt = 1, index = 0;
  value_ref value;
};
struct variable_set {
  static constexpr std::string_view kind = "variable_set";
  place at;
  std::string name;
  value_ref value;
};
struct turn_yielded {
  static constexpr std::string_view kind = "turn_yielded";
};

using any =
    std::variant<execution_started, execution_admitted, execution_paused, execution_resumed,
                 execution_finished, execution_retried, node_scheduled, node_waiting,
                 node_completed, node_failed, node_retrying, node_skipped, attempt_interrupted,
                 timer_set, timer_fired, timer_cancelled, signal_received, signal_taken,
                 review_opened, review_decided, child_started, child_cancelled, child_finished,
                 loop_started, iteration_started, iteration_finished, results_stored, value_emitted,
                 variable_set, turn_yielded>;

} // namespace events

/// One entry of a run's history.
struct event {
  sequence_number seq = 0; ///< from 1 without gap
  instant time{};
  events::any what;
};

std::string_view kind_of(const events::any& what) noexcept;

} // namespace troupe

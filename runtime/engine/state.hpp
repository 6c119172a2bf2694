// The state of a run: its live frontier and counters, folded from events by evolve.
//
//   pending → queued → running ⇄ waiting ⇄ paused → success | partial | failed | cancelled |
//   timed_out (a terminal run goes back to running by an explicit retry only)
//
//   step: pending → queued → running ⇄ retrying, waiting → success | failed | skipped | timed_out |
//   cancelled
#pragma once

#include "runtime/engine/event.hpp"
#include "runtime/workflow/plan.hpp"

#include <compare>
#include <deque>
#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

/// How a node that ended looks to its dependants.
enum class resolution : std::uint8_t {
  none,       ///< not ended
  completed,  ///< its ports are live, others dead
  skipped,    ///< its condition was false: order edges and main are live
  dead,       ///< on a branch not taken
  continued,  ///< failed, but dependants go on with null on main
  error_port, ///< failed, only the error port is live
  blocked,    ///< failed: dependants cannot be satisfied
};

/// One node in one scope.
struct slot {
  step_status status = step_status::pending;
  resolution out = resolution::none;
  std::uint32_t pending = 0;      ///< in-edges whose source has not ended
  std::uint32_t attempt = 0;      ///< the last one scheduled; never goes back
  std::uint32_t attempt_base = 0; ///< attempts of earlier rounds (retry of the run)
  std::uint32_t max_attempts = 1;
  std::uint32_t interruptions = 0; ///< in a row
  std::uint32_t emitted = 0;       ///< values of a streaming node
  wait_kind wait = wait_kind::none;
  bool queued = false; ///< stands in run_state::ready
  bool fallback = false, reused = false, handled = false;
  std::optional<instant> started, ended, until;
  std::vector<port_value> ports;
  value_ref parameters; ///< rendered, of the attempt in flight
  std::string skill;    ///< of the attempt in flight
  std::string name;     ///< signal or review that is waited for
  std::optional<error_info> error;
  std::uint64_t timer = 0; ///< 0: none
  run_id child{};
  std::string reason; ///< of a skip
};

/// Which instance of a region: the path names the iterations around it.
struct scope_key {
  region_index region = 0;
  iteration_path path;
  friend auto operator<=>(const scope_key&, const scope_key&) = default;
};

/// One instance of a region.
struct scope {
  std::vector<slot> slots; ///< by plan_node::slot
  std::uint32_t open = 0;  ///< slots that have not ended
  bool failed = false;     ///< an unhandled failure inside
  value_ref item;          ///< of the iteration; empty in the root
};

/// Results in input order; finished prefixes move to blobs so that state stays small.
struct result_list {
  std::vector<value_ref> chunks;            ///< each a JSON list, saved as blob
  std::vector<value_ref> tail;              ///< in order, after the chunks
  std::map<std::uint32_t, value_ref> early; ///< finished before an earlier one
  std::uint32_t next = 0;                   ///< index of the next result in order
};

/// Progress of a loop or of what hangs behind a streaming node.
struct loop_state {
  value_ref items;
  std::optional<std::uint64_t> total;
  std::uint32_t started = 0, finished = 0, active = 0, failed = 0;
  bool exhausted = false;          ///< no further iteration will start
  std::vector<std::uint32_t> done; ///< iterations whose scope ended and is not yet recorded
  result_list results;
  value_ref last; ///< result of the iteration that finished last
};

struct slot_ref {
  scope_key scope;
  node_index node = no_index;
  friend auto operator<=>(const slot_ref&, const slot_ref&) = default;
};

struct timer_info {
  instant due{};
  timer_purpose purpose = timer_purpose::node;
  slot_ref at;
};

struct received_signal {
  std::string name;
  value_ref data;
};

struct run_counters {
  std::uint64_t scheduled = 0, succeeded = 0, failed = 0, skipped = 0, continued = 0, all = 0;
  std::uint64_t failed_root = 0; ///< unhandled failures that decide the final status
};

struct run_state {
  sequence_number seq = 0; ///< of the last event
  run_id id{};
  events::execution_started start; ///< as recorded, but a retry may have brought another input
  run_status status = run_status::pending;
  bool paused = false, admitted = false;
  std::uint32_t attempt = 1;
  instant created{};
  std::optional<instant> started, ended, deadline;
  std::map<std::string, value_ref, std::less<>> vars;
  std::map<scope_key, scope> scopes;
  std::map<slot_ref, loop_state> loops;
  std::map<std::uint64_t, timer_info> timers;
  std::deque<slot_ref> ready;
  std::deque<received_signal> signals; ///< arrived before anybody waited; bounded
  std::vector<std::string> signal_ids; ///< of the last messages, to ignore repeats
  std::uint64_t timer_next = 1;
  std::uint32_t review_next = 1;
  std::uint64_t deadline_timer = 0; ///< 0: not armed
  std::uint32_t running = 0;        ///< attempts in flight
  run_counters counters;
  value_ref output;
  std::optional<error_info> error;
  std::string error_node;
  shared_value overrides;          ///< node id → parameters; may be empty
  std::uint32_t input_attempt = 0; ///< the attempt that brought another input; 0: none did
};

/// What the API shows: running or waiting is told apart by what the steps do.
run_status visible_status(const run_state& s) noexcept;

/// Finds a node's slot. nullptr: no such scope (the iteration has ended or never began).
slot* find_slot(const plan& p, run_state& s, const slot_ref& at) noexcept;
const slot* find_slot(const plan& p, const run_state& s, const slot_ref& at) noexcept;
/// From the spelling of events to that of state; node = no_index when the plan lacks the node.
slot_ref locate(const plan& p, const place& at);
place place_of(const plan& p, const slot_ref& at);

/// State of an edge as seen from `target`'s scope.
enum class edge_state : std::uint8_t { pending, live, dead, blocked };
struct edge_view {
  edge_state state = edge_state::pending;
  const value_ref* value = nullptr; ///< of live data edges; nullptr: null
};
edge_view look(const plan& p, const run_state& s, const plan_edge& e,
               const scope_key& target_scope);

/// The scope that holds `region` around `inner`; empty path part cut off.
scope_key enclosing(const plan& p, const scope_key& inner, region_index region);

} // namespace troupe

// What a turn changes outside its run: rows, messages, views. Pure; actors turn it into rows of
// tables, so that the core knows nothing of keys.
#pragma once

#include "runtime/engine/codec.hpp"
#include "runtime/engine/messages.hpp"
#include "runtime/engine/state.hpp"

#include <map>
#include <optional>
#include <string>
#include <vector>

namespace troupe {

struct open_review {
  events::review_opened what;
  instant opened{};
};

/// What the rows of a run say so far: the memory of the projection, kept beside the state and
/// saved with its snapshot. A new run has a default one.
struct footprint {
  chain_hash last{};                      ///< of the last event
  bool active = false;                    ///< has a row in `active` …
  bool owing = false;                     ///< … in the range of those that owe something now
  run_status shown = run_status::pending; ///< as lists show it
  std::map<std::string, open_review> reviews;
};

/// The row of table `active`.
enum class active_change : std::uint8_t { none, put, move, remove };

struct timer_change {
  instant due{};
  std::uint64_t timer = 0;
  bool set = true; ///< false: delete the row
};

/// A run as lists show it.
struct execution_summary {
  run_id id;
  std::string workflow_id, workflow_name;
  std::uint32_t workflow_version = 0;
  run_status status = run_status::pending;
  std::string trigger_type, triggered_by, priority, user;
  std::optional<run_id> parent;
  instant created{};
  std::optional<instant> started, ended;
  std::string error_code, error_message;
  sequence_number last_seq = 0;
  std::uint32_t attempt = 1;
};

/// A review as lists show it.
struct review_summary {
  std::string id;
  run_id execution;
  std::string workflow_id, node, kind, title, priority;
  std::string_view status; ///< pending, approved, rejected, completed, timeout, cancelled
  std::string body;        ///< JSON of the whole review as the API shows it
  instant created{};
  std::optional<instant> due, decided;
};

struct projected {
  sequence_number first_seq = 0; ///< key of the turn's row
  std::string turn;              ///< value of the turn's row
  active_change active = active_change::none;
  bool owing_before = false; ///< the range that `move` and `remove` delete from
  bool owing = false;        ///< the range that `put` and `move` put into
  std::vector<timer_change> timers;
  std::vector<outbox_message> outbox;
  std::vector<blob_id> blobs;                 ///< named by the turn, sorted, once each
  std::optional<execution_summary> execution; ///< when lists show something new
  std::vector<review_summary> reviews;
};

/// Projects a turn that is not empty. `after` is the state after the turn; `so_far` is moved on.
/// `blobs` is read for the bodies of reviews only.
projected project(const run_state& after, const std::vector<event>& turn, footprint& so_far,
                  blob_port& blobs, digest_fn digest);

/// Moves the footprint over a turn that is stored already. `last` is the hash of its last event.
void follow(footprint& so_far, const run_state& after, const std::vector<event>& turn,
            const chain_hash& last);

/// Whether a run must be looked at when its partition opens: an attempt is in flight, something is
/// ready, or its last turn was cut off.
bool owes_now(const run_state& after, const std::vector<event>& turn) noexcept;

execution_summary summary_of(const run_state& s);

} // namespace troupe

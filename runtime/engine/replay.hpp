// Replay, in two strengths: fold a history into the state it leads to, and decide its facts anew.
#pragma once

#include "runtime/engine/decide.hpp"

#include <functional>
#include <optional>
#include <span>
#include <string>

namespace troupe {

/// The state that the events lead to. Fails with code "history_malformed", naming the event, when
/// one cannot follow those before it (a gap, an unknown node, a timer that was never set).
result<run_state> fold(const plan& p, const run_id& id, std::span<const event> all);

/// Why `e` cannot be folded into `s`; nothing: it can. evolve itself takes this for granted.
std::optional<std::string> fold_fault(const plan& p, const run_state& s, const event& e);

/// The first place where decisions differ. Texts are events as stored; empty: there is none.
struct difference {
  sequence_number seq = 0;
  std::string recorded, decided;
};
struct comparison {
  sequence_number events = 0; ///< compared and found equal
  std::optional<difference> first;
  bool equal() const noexcept { return !first; }
};

/// Settings for a turn decided at `now`: those that were in force when the history was made.
using context_factory = std::function<decide_context(instant now)>;

/// Feeds the facts of each turn (the events of one stored row) to decide and compares what it
/// decides with what was recorded, times left out. Fails like fold.
result<comparison> redecide(const plan& p, const run_id& id,
                            std::span<const std::vector<event>> turns,
                            const context_factory& context);

/// The commands that a recorded turn answered. `before` is the state before the turn and is moved
/// over it. Every recorded interruption comes back as the loss of its worker.
result<std::vector<commands::any>> commands_of(const plan& p, run_state& before,
                                               const std::vector<event>& turn);

} // namespace troupe

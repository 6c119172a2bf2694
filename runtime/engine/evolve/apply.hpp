// One function for each event: how it changes the state.
#pragma once

#include "runtime/engine/decide.hpp"
#include "runtime/engine/event.hpp"
#include "runtime/engine/state.hpp"

namespace troupe::evolving {

// lifecycle.cpp
void apply(const plan& p, run_state& s, const events::execution_started& e, instant now);
void apply(const plan& p, run_state& s, const events::execution_admitted& e, instant now);
void apply(const plan& p, run_state& s, const events::execution_paused& e, instant now);
void apply(const plan& p, run_state& s, const events::execution_resumed& e, instant now);
void apply(const plan& p, run_state& s, const events::execution_finished& e, instant now);
void apply(const plan& p, run_state& s, const events::variable_set& e, instant now);
void apply(const plan& p, run_state& s, const events::turn_yielded& e, instant now);
// retried.cpp
void apply(const plan& p, run_state& s, const events::execution_retried& e, instant now);
// attempts.cpp
void apply(const plan& p, run_state& s, const events::node_scheduled& e, instant now);
void apply(const plan& p, run_state& s, const events::node_completed& e, instant now);
void apply(const plan& p, run_state& s, const events::node_failed& e, instant now);
void apply(const plan& p, run_state& s, const events::node_retrying& e, instant now);
void apply(const plan& p, run_state& s, const events::node_skipped& e, instant now);
void apply(const plan& p, run_state& s, const events::attempt_interrupted& e, instant now);
// waits.cpp
void apply(const plan& p, run_state& s, const events::node_waiting& e, instant now);
void apply(const plan& p, run_state& s, const events::timer_set& e, instant now);
void apply(const plan& p, run_state& s, const events::timer_fired& e, instant now);
void apply(const plan& p, run_state& s, const events::timer_cancelled& e, instant now);
void apply(const plan& p, run_state& s, const events::signal_received& e, instant now);
void apply(const plan& p, run_state& s, const events::signal_taken& e, instant now);
void apply(const plan& p, run_state& s, const events::review_opened& e, instant now);
void apply(const plan& p, run_state& s, const events::review_decided& e, instant now);
void apply(const plan& p, run_state& s, const events::child_started& e, instant now);
void apply(const plan& p, run_state& s, const events::child_cancelled& e, instant now);
void apply(const plan& p, run_state& s, const events::child_finished& e, instant now);
// iterations.cpp
void apply(const plan& p, run_state& s, const events::loop_started& e, instant now);
void apply(const plan& p, run_state& s, const events::iteration_started& e, instant now);
void apply(const plan& p, run_state& s, const events::iteration_finished& e, instant now);
void apply(const plan& p, run_state& s, const events::results_stored& e, instant now);
void apply(const plan& p, run_state& s, const events::value_emitted& e, instant now);

/// The slot an event speaks of; a history that names none was written by somebody else.
struct located {
  slot_ref at;
  slot& what;
};
located slot_of(const plan& p, run_state& s, const place& at);

} // namespace troupe::evolving

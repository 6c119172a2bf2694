// One turn under way: what was decided so far, on a state that is evolved as it goes.
#pragma once

#include "runtime/engine/decide.hpp"
#include "runtime/engine/names.hpp"

#include <optional>
#include <utility>
#include <vector>

namespace troupe::deciding {

using refusal = std::optional<rejection>;

struct turn {
  const plan& p;
  run_state& s;
  const decide_context& c;
  std::vector<event> events;
  std::size_t bytes = 0;
  std::uint64_t operations = 0;

  /// Records the event and evolves the state over it.
  template <class Event> void emit(Event what) {
    event e{s.seq + 1, c.now, std::move(what)};
    evolve(p, s, e);
    events.push_back(std::move(e));
  }

  bool full() const noexcept {
    return events.size() >= c.limits.events_max || bytes >= c.limits.bytes_max ||
           operations >= c.limits.operations_max;
  }

  /// Inline or blob, counted against the turn. A blob counts the same whether it is saved here or
  /// comes as one, so that a recorded command fills a turn as the live one did.
  value_ref keep(shared_value v);
  value_ref keep(const value_ref& v);
  value_ref keep(json::value v) { return keep(share(std::move(v))); }

  slot& slot_at(const slot_ref& at) { return *find_slot(p, s, at); }
  const plan_node& node_at(const slot_ref& at) const { return p.nodes[at.node]; }
  place place_at(const slot_ref& at) const { return place_of(p, at); }

  // Evaluation, each with a budget of its own, so that where a turn ends changes no result.
  result<json::value> render(const expr::json_template& t, const expr::names& names);
  result<json::value> evaluate(const expr::expression& e, const expr::names& names);
  result<bool> holds(const expr::expression& e, const expr::names& names);

  /// A random number that depends on the run and how far it is, never on a clock.
  std::uint64_t random() const;
};

/// A node's live inputs.
struct inputs {
  std::vector<std::pair<const plan_edge*, value_ref>> live; ///< data edges, mapped
  std::uint32_t data = 0, order_live = 0, dead = 0, blocked = 0, pending = 0;
};
result<inputs> gather(turn& t, const slot_ref& at);
/// One value as it is; several objects merged, later ones win; otherwise a list; null for none.
result<shared_value> merged(turn& t, const inputs& in);

// attempts.cpp
/// Renders the parameters and schedules the first attempt.
void schedule(turn& t, const slot_ref& at, const shared_value& input);
/// Schedules the next attempt with the same parameters.
void schedule_again(turn& t, const slot_ref& at);
refusal apply(turn& t, const commands::finish_attempt& c);
refusal apply(turn& t, const commands::recover& c);
void complete(turn& t, const slot_ref& at, value_ref value, std::string port = "main");
void complete(turn& t, const slot_ref& at, std::vector<port_value> ports);
/// The last word on a failed node: fallback, or failed as its on_error says.
void fail(turn& t, const slot_ref& at, error_info error, shared_value logs = nullptr);
inline error_info to_error(const failure& why) {
  return {why.code, why.message, 0, false, {}};
}
/// The parameters of a node, rendered, with overrides.
result<json::object> parameters_of(turn& t, const slot_ref& at, const shared_value& input);

// nodes.cpp
/// Does what a ready node needs next. False when it must wait for a free place.
bool process(turn& t, const slot_ref& at);

// pure.cpp, transform.cpp: what nodes without effects compute
void run_if(turn& t, const slot_ref& at, const shared_value& input);
void run_switch(turn& t, const slot_ref& at, const shared_value& input);
void run_filter(turn& t, const slot_ref& at, const shared_value& input);
void run_transform(turn& t, const slot_ref& at, const shared_value& input);
void run_variable(turn& t, const slot_ref& at, const shared_value& input);
void run_output(turn& t, const slot_ref& at, const shared_value& input);
void run_merge(turn& t, const slot_ref& at, const inputs& in);

// waits.cpp
void start_wait(turn& t, const slot_ref& at, const shared_value& input);
void start_review(turn& t, const slot_ref& at, const shared_value& input);
void open_review(turn& t, const slot_ref& at, events::review_opened what);
void start_child(turn& t, const slot_ref& at, const shared_value& input);
void set_timer(turn& t, const slot_ref& at, instant due, timer_purpose purpose);
void cancel_timer(turn& t, const slot_ref& at);
refusal apply(turn& t, const commands::fire_timer& c);
refusal apply(turn& t, const commands::signal& c);
refusal apply(turn& t, const commands::decide_review& c);
refusal apply(turn& t, const commands::finish_child& c);

// loops.cpp
void start_loop(turn& t, const slot_ref& at, const shared_value& input);
/// Moves loops on by one event. False when none has anything to do.
bool step_loops(turn& t);
bool loops_have_work(const plan& p, const run_state& s);

// lifecycle.cpp
refusal apply(turn& t, const commands::start& c);
refusal apply(turn& t, const commands::admit& c);
refusal apply(turn& t, const commands::cancel& c);
refusal apply(turn& t, const commands::pause& c);
refusal apply(turn& t, const commands::resume& c);
refusal apply(turn& t, const commands::retry& c);
refusal apply(turn& t, const commands::proceed& c);
refusal apply(turn& t, const commands::quarantine& c);
/// Ends the run: withdraws what it waits for, then records the end.
void finish(turn& t, run_status status, std::optional<error_info> error = {},
            std::string error_node = {});
/// The end that the counters say, with mapped outputs.
void conclude(turn& t);

rejection refused(failure_kind kind, std::string code, std::string message);
inline rejection ignored(std::string code, std::string message) {
  return {{failure_kind::gone, std::move(code), std::move(message), {}, {}}, true};
}

} // namespace troupe::deciding

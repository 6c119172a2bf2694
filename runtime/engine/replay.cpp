// Facts back into commands, and the comparison of decisions.
#include "runtime/engine/replay.hpp"

#include "runtime/engine/codec.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// Appends the command that an event is the fact of; decisions append nothing.
struct facts {
  const plan& p;
  const run_state& s; ///< before the event
  std::vector<commands::any>& out;

  bool in_flight(const place& at, std::uint32_t attempt) const {
    const auto ref = locate(p, at);
    const auto* what = find_slot(p, s, ref);
    return what && what->status == step_status::running && what->attempt == attempt &&
           attempt > 0 && p.nodes[ref.node].kind == node_kind::skill;
  }
  void ended(const place& at, std::uint32_t attempt, attempt_outcome outcome) const {
    if (in_flight(at, attempt))
      out.emplace_back(commands::finish_attempt{at, attempt, std::move(outcome)});
  }
  static attempt_outcome failed(error_info error, shared_value logs) {
    attempt_outcome outcome;
    outcome.error = std::move(error);
    outcome.logs = std::move(logs);
    return outcome;
  }

  void operator()(const events::execution_started& e) const {
    out.emplace_back(commands::start{e});
  }
  void operator()(const events::execution_admitted&) const { out.emplace_back(commands::admit{}); }
  void operator()(const events::execution_paused& e) const {
    out.emplace_back(commands::pause{e.by});
  }
  void operator()(const events::execution_resumed& e) const {
    out.emplace_back(commands::resume{e.by});
  }
  void operator()(const events::execution_retried& e) const {
    out.emplace_back(
        commands::retry{e.from.empty() ? "failed" : e.from.front(), e.overrides, e.by, e.input});
  }
  void operator()(const events::execution_finished& e) const {
    if (e.status == run_status::cancelled && e.error && e.error->code == "cancelled")
      out.emplace_back(commands::cancel{e.error->message, {}});
    // With a node it was decided: an attempt was interrupted too often.
    if (e.error && e.error->code == "quarantined" && e.error_node.empty())
      out.emplace_back(commands::quarantine{e.error->message});
  }
  void operator()(const events::node_completed& e) const {
    const auto* what = find_slot(p, s, locate(p, e.at));
    if (e.fallback && what && !what->fallback)
      return ended(e.at, e.attempt, failed({"failed", "", 0, false, {}}, e.logs));
    attempt_outcome outcome;
    outcome.succeeded = true;
    outcome.ports = e.ports;
    outcome.created_source_ids = e.created_source_ids;
    outcome.created_note_ids = e.created_note_ids;
    outcome.logs = e.logs;
    outcome.usage = e.usage;
    ended(e.at, e.attempt, std::move(outcome));
  }
  void operator()(const events::node_failed& e) const {
    ended(e.at, e.attempt, failed(e.error, e.logs));
  }
  void operator()(const events::node_retrying& e) const {
    ended(e.at, e.attempt, failed(e.error, e.logs));
  }
  void operator()(const events::attempt_interrupted& e) const {
    ended(e.at, e.attempt, failed({"worker_lost", "", 0, false, {}}, nullptr));
  }
  void operator()(const events::timer_fired& e) const {
    out.emplace_back(commands::fire_timer{e.timer});
  }
  void operator()(const events::signal_received& e) const {
    out.emplace_back(commands::signal{e.name, e.data, e.message_id});
  }
  void operator()(const events::review_decided& e) const {
    if (e.decision != review_decision::expired && e.decision != review_decision::withdrawn)
      out.emplace_back(commands::decide_review{e.review, e.decision != review_decision::rejected,
                                               e.data, e.message, e.by});
  }
  void operator()(const events::child_finished& e) const {
    out.emplace_back(commands::finish_child{e.at, e.child, e.status, e.output, e.error});
  }
  template <class Event> void operator()(const Event&) const {}
};

std::string line_of(event e, instant time) {
  e.time = time;
  std::string text;
  encode_event(text, e);
  return text;
}

std::optional<difference> first_difference(const std::vector<event>& recorded,
                                           const std::vector<event>& decided) {
  for (std::size_t i = 0; i < std::max(recorded.size(), decided.size()); ++i) {
    const auto* was = i < recorded.size() ? &recorded[i] : nullptr;
    const auto* is = i < decided.size() ? &decided[i] : nullptr;
    const auto time = was ? was->time : is->time;
    difference found{was ? was->seq : is->seq, was ? line_of(*was, time) : std::string{},
                     is ? line_of(*is, time) : std::string{}};
    if (found.recorded != found.decided)
      return found;
  }
  return {};
}

/// A remote's Retry-After is not recorded: it is what the recorded due instants say.
bool take_waits(std::vector<commands::any>& what, const std::vector<event>& turn) {
  bool any = false;
  for (auto& command : what) {
    auto* outcome = std::get_if<commands::finish_attempt>(&command);
    if (!outcome)
      continue;
    for (const auto& e : turn) {
      const auto* retrying = std::get_if<events::node_retrying>(&e.what);
      if (!retrying || retrying->at.node != outcome->at.node ||
          retrying->at.iteration != outcome->at.iteration || retrying->attempt != outcome->attempt)
        continue;
      outcome->outcome.retry_after = retrying->due - e.time;
      any = true;
    }
  }
  return any;
}

} // namespace

result<std::vector<commands::any>> commands_of(const plan& p, run_state& before,
                                               const std::vector<event>& turn) {
  std::vector<commands::any> what;
  for (const auto& e : turn) {
    if (auto fault = fold_fault(p, before, e))
      return failure{failure_kind::malformed,
                     "history_malformed",
                     "event " + std::to_string(e.seq) + " of " + to_text(before.id) + ": " + *fault,
                     {},
                     {}};
    std::visit(facts{p, before, what}, e.what);
    evolve(p, before, e);
  }
  if (what.empty())
    what.emplace_back(commands::proceed{});
  return what;
}

result<comparison> redecide(const plan& p, const run_id& id,
                            std::span<const std::vector<event>> turns,
                            const context_factory& context) {
  comparison done;
  run_state folded;
  folded.id = id;
  for (const auto& turn : turns) {
    if (turn.empty())
      continue;
    run_state deciding = folded;
    auto what = commands_of(p, folded, turn);
    if (!what)
      return std::move(what).error();
    const auto settings = context(turn.front().time);
    const run_state again = deciding;
    auto first = first_difference(turn, decide(p, deciding, *what, settings).events);
    if (first && take_waits(*what, turn)) {
      deciding = again;
      first = first_difference(turn, decide(p, deciding, *what, settings).events);
    }
    if (first) {
      done.first = std::move(first);
      return done;
    }
    done.events += turn.size();
  }
  return done;
}

} // namespace troupe

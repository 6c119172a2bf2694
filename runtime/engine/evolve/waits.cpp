#include "runtime/engine/evolve/apply.hpp"
#include "runtime/engine/evolve/frontier.hpp"

#include <algorithm>

namespace troupe::evolving {

namespace {

constexpr std::size_t signal_ids_max = 64;

void wait_for(run_state& s, const located& target, wait_kind wait, instant now) {
  unqueue(s, target.what, target.at);
  target.what.status = step_status::waiting;
  target.what.wait = wait;
  if (!target.what.started)
    target.what.started = now;
}

void forget_timer(const plan& p, run_state& s, std::uint64_t timer) {
  const auto found = s.timers.find(timer);
  check(found != s.timers.end(), "a timer ends once");
  if (auto* what = find_slot(p, s, found->second.at))
    what->timer = 0;
  if (s.deadline_timer == timer)
    s.deadline_timer = 0;
  s.timers.erase(found);
}

} // namespace

void apply(const plan& p, run_state& s, const events::node_waiting& e, instant now) {
  const auto target = slot_of(p, s, e.at);
  wait_for(s, target, e.wait, now);
  target.what.name = e.name;
  target.what.until = e.until;
}

void apply(const plan& p, run_state& s, const events::timer_set& e, instant) {
  slot_ref at;
  if (e.purpose == timer_purpose::deadline) {
    s.deadline_timer = e.timer;
  } else {
    const auto target = slot_of(p, s, e.at);
    target.what.timer = e.timer;
    at = target.at;
  }
  s.timers[e.timer] = {e.due, e.purpose, at};
  s.timer_next = e.timer + 1;
}

void apply(const plan& p, run_state& s, const events::timer_fired& e, instant) {
  const auto found = s.timers.find(e.timer);
  check(found != s.timers.end(), "a timer fires once");
  const auto info = found->second;
  forget_timer(p, s, e.timer);
  if (auto* what = find_slot(p, s, info.at); what && info.purpose == timer_purpose::retry) {
    what->wait = wait_kind::none;
    queue(s, *what, info.at);
  }
}

void apply(const plan& p, run_state& s, const events::timer_cancelled& e, instant) {
  forget_timer(p, s, e.timer);
}

void apply(const plan&, run_state& s, const events::signal_received& e, instant) {
  s.signals.push_back({e.name, e.data});
  if (e.message_id.empty())
    return;
  s.signal_ids.push_back(e.message_id);
  if (s.signal_ids.size() > signal_ids_max)
    s.signal_ids.erase(s.signal_ids.begin());
}

void apply(const plan&, run_state& s, const events::signal_taken& e, instant) {
  const auto found = std::find_if(s.signals.begin(), s.signals.end(),
                                  [&](const auto& one) { return one.name == e.name; });
  check(found != s.signals.end(), "a signal is taken once");
  s.signals.erase(found);
}

void apply(const plan& p, run_state& s, const events::review_opened& e, instant now) {
  const auto target = slot_of(p, s, e.at);
  wait_for(s, target, wait_kind::review, now);
  target.what.name = e.review;
  target.what.until = e.due;
  ++s.review_next;
}

void apply(const plan& p, run_state& s, const events::review_decided& e, instant) {
  const auto target = slot_of(p, s, e.at);
  if (e.decision == review_decision::withdrawn || p.nodes[target.at.node].kind == node_kind::human)
    return;
  // An interrupted attempt that a person decided about: approved means try again.
  target.what.wait = wait_kind::none;
  target.what.interruptions = 0;
  if (e.decision == review_decision::approved) {
    target.what.status = step_status::retrying;
    queue(s, target.what, target.at);
  }
}

void apply(const plan& p, run_state& s, const events::child_started& e, instant now) {
  const auto target = slot_of(p, s, e.at);
  wait_for(s, target, wait_kind::child, now);
  target.what.child = e.child;
}

void apply(const plan&, run_state&, const events::child_cancelled&, instant) {}

void apply(const plan& p, run_state& s, const events::child_finished& e, instant) {
  slot_of(p, s, e.at).what.wait = wait_kind::none;
}

} // namespace troupe::evolving

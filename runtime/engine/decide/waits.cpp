// Nodes that wait: for time, a condition, a signal, a person or another run.
#include "runtime/base/hash.hpp"
#include "runtime/base/prng.hpp"
#include "runtime/engine/decide/turn.hpp"

#include <algorithm>

namespace troupe::deciding {

namespace {

constexpr double poll_seconds_default = 10;
constexpr double duration_seconds_max = 10.0 * 366 * 86'400;

milliseconds from_seconds(double seconds) {
  return milliseconds{
      static_cast<std::int64_t>(std::clamp(seconds, 0.0, duration_seconds_max) * 1000)};
}

std::optional<double> number_of(const json::object& parameters, std::string_view name) {
  const auto* v = parameters.if_contains(name);
  if (!v || !v->is_number())
    return std::nullopt;
  return v->to_number<double>();
}

std::string text_of(const json::object& parameters, std::string_view name,
                    std::string_view otherwise = {}) {
  const auto* v = parameters.if_contains(name);
  return std::string{v && v->is_string() ? std::string_view{v->get_string()} : otherwise};
}

void wait_until(turn& t, const slot_ref& at, wait_kind kind, instant due) {
  t.emit(events::node_waiting{t.place_at(at), kind, {}, due});
  set_timer(t, at, due, timer_purpose::node);
}

/// The condition is looked at now and again at every poll, until `max_wait` is over.
void poll_condition(turn& t, const slot_ref& at, const shared_value& input,
                    const json::object& parameters) {
  const auto& expressions = t.node_at(at).expressions;
  const auto condition = expressions.find("condition");
  if (condition == expressions.end())
    return fail(t, at,
                {"parameter_missing", "WAIT until_condition needs 'condition'.", 0, false, {}});
  const auto holds = t.holds(condition->second, run_names{t.p, t.s, t.c.blobs, at.scope, input});
  if (!holds)
    return fail(t, at, to_error(holds.error()));
  if (*holds)
    return complete(t, at, t.keep(input));
  const auto& what = t.slot_at(at);
  std::optional<instant> last = what.until;
  if (what.status != step_status::waiting)
    if (const auto most = number_of(parameters, "max_wait"))
      last = t.c.now + from_seconds(*most);
  if (last && t.c.now >= *last)
    return complete(t, at, t.keep(input), "timeout");
  auto due =
      t.c.now +
      std::max(milliseconds{100},
               from_seconds(
                   number_of(parameters, "check_interval_seconds").value_or(poll_seconds_default)));
  if (last)
    due = std::min(due, *last);
  if (what.status != step_status::waiting)
    t.emit(events::node_waiting{t.place_at(at), wait_kind::condition, {}, last});
  set_timer(t, at, due, timer_purpose::node);
}

void wait_for_signal(turn& t, const slot_ref& at, const json::object& parameters) {
  const auto name = text_of(parameters, "signal_name", t.node_at(at).id);
  const auto early = std::find_if(t.s.signals.begin(), t.s.signals.end(),
                                  [&](const auto& one) { return one.name == name; });
  if (early != t.s.signals.end()) {
    const auto data = early->data;
    t.emit(events::signal_taken{name, t.place_at(at)});
    return complete(t, at, data);
  }
  std::optional<instant> last;
  if (const auto most = number_of(parameters, "max_wait"))
    last = t.c.now + from_seconds(*most);
  t.emit(events::node_waiting{t.place_at(at), wait_kind::signal, name, last});
  if (last)
    set_timer(t, at, *last, timer_purpose::node);
}

result<instant> until_of(const json::object& parameters) {
  if (const auto at = instant_from_text(text_of(parameters, "wait_until")))
    return *at;
  return invalid("parameter_invalid",
                 "WAIT until_time needs 'wait_until' as RFC 3339, such as 2026-12-31T23:59:00Z.");
}

json::value review_answer(const json::value& data, bool approved, const std::string& message,
                          const std::string& by) {
  return json::object{{"approved", approved}, {"data", data}, {"message", message}, {"by", by}};
}

void review_timed_out(turn& t, const slot_ref& at) {
  const auto& constants = t.node_at(at).constants;
  const auto action = text_of(constants, "timeout_action", "continue");
  events::review_decided e;
  e.at = t.place_at(at);
  e.review = t.slot_at(at).name;
  e.decision = review_decision::expired;
  t.emit(std::move(e));
  if (action == "fail")
    return fail(t, at, {"review_timeout", "Nobody decided in time.", 0, false, {}});
  const auto* given = constants.if_contains("default_response");
  if (action == "default" && given) {
    const auto* yes = json::find(*given, "approved");
    const bool approved = !yes || expr::truthy(*yes);
    const auto type = text_of(constants, "notification_type", "approval");
    const bool form = type == "input" || type == "review";
    return complete(t, at, t.keep(review_answer(*given, approved, "default response", "timeout")),
                    form       ? "completed"
                    : approved ? "approved"
                               : "rejected");
  }
  complete(t, at, t.keep(json::value(json::object{{"timed_out", true}})), "timeout");
}

void node_timer(turn& t, const slot_ref& at);

} // namespace

void merge_timed_out(turn& t, const slot_ref& at); // merge.cpp

void set_timer(turn& t, const slot_ref& at, instant due, timer_purpose purpose) {
  const auto where = purpose == timer_purpose::deadline ? place{} : t.place_at(at);
  t.emit(events::timer_set{where, t.s.timer_next, due, purpose});
}

void cancel_timer(turn& t, const slot_ref& at) {
  if (const auto timer = t.slot_at(at).timer)
    t.emit(events::timer_cancelled{timer, t.s.timers.at(timer).due});
}

void start_wait(turn& t, const slot_ref& at, const shared_value& input) {
  const auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  if (t.s.start.dry_run)
    return complete(t, at, t.keep(input));
  const auto type = text_of(*parameters, "wait_type", "fixed_delay");
  if (type == "for_signal")
    return wait_for_signal(t, at, *parameters);
  if (type == "until_condition")
    return poll_condition(t, at, input, *parameters);
  if (type == "until_time") {
    const auto due = until_of(*parameters);
    return due ? wait_until(t, at, wait_kind::time, *due) : fail(t, at, to_error(due.error()));
  }
  wait_until(t, at, wait_kind::delay,
             t.c.now + from_seconds(number_of(*parameters, "duration_seconds").value_or(0)));
}

void open_review(turn& t, const slot_ref& at, events::review_opened what) {
  what.at = t.place_at(at);
  what.review = to_text(t.s.id) + "." + std::to_string(t.s.review_next);
  const auto due = what.due;
  t.emit(std::move(what));
  if (due)
    set_timer(t, at, *due, timer_purpose::node);
}

void start_review(turn& t, const slot_ref& at, const shared_value& input) {
  const auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  if (t.s.start.dry_run)
    return complete(t, at, t.keep(review_answer(nullptr, true, "dry run", "dry run")), "approved");
  events::review_opened e;
  e.type = text_of(*parameters, "notification_type", "approval");
  e.title = text_of(*parameters, "title", t.node_at(at).name);
  e.message = text_of(*parameters, "message");
  e.priority = text_of(*parameters, "priority", "normal");
  if (const auto* form = parameters->if_contains("form"))
    e.form = t.keep(*form);
  e.context = t.keep(input);
  if (const auto minutes = number_of(*parameters, "timeout_minutes"); minutes && *minutes > 0)
    e.due = t.c.now + from_seconds(*minutes * 60);
  open_review(t, at, std::move(e));
}

void start_child(turn& t, const slot_ref& at, const shared_value& input) {
  const auto parameters = parameters_of(t, at, input);
  if (!parameters)
    return fail(t, at, to_error(parameters.error()));
  const auto& node = t.node_at(at);
  if (t.s.start.dry_run)
    return complete(
        t, at, t.keep(node.dry_output ? node.dry_output : share(json::object{{"dry_run", true}})));
  if (t.s.start.depth + 1 > t.c.depth_max)
    return fail(t, at,
                {"depth_exceeded",
                 "Sub-workflows are nested deeper than " + std::to_string(t.c.depth_max) + ".",
                 0,
                 false,
                 {}});
  const auto where = t.place_at(at);
  prng random{t.random()};
  const auto partition =
      1 +
      hash64(to_text(t.s.id) + "/" + where.node + "/" + to_text(where.iteration)) % t.c.partitions;
  events::child_started e;
  e.at = where;
  e.child =
      make_run_id(t.c.now, partition_id{static_cast<std::uint16_t>(partition)}, random.next());
  e.workflow_id = text_of(*parameters, "workflow_id");
  if (const auto version = number_of(*parameters, "version"); version && *version >= 1)
    e.workflow_version = static_cast<std::uint32_t>(*version);
  const auto* given = parameters->if_contains("input");
  e.input = t.keep(given ? share(*given) : input);
  e.depth = t.s.start.depth + 1;
  t.emit(std::move(e));
}

refusal apply(turn& t, const commands::fire_timer& c) {
  const auto found = t.s.timers.find(c.timer);
  if (terminal(t.s.status) || found == t.s.timers.end() || t.c.now < found->second.due)
    return ignored("timer_unknown", "This timer has fired or was cancelled.");
  const auto info = found->second;
  t.emit(events::timer_fired{c.timer, info.due});
  if (info.purpose == timer_purpose::deadline)
    finish(t, run_status::timed_out,
           error_info{"timeout", "The run took longer than its timeout.", 0, false, {}});
  else if (info.purpose == timer_purpose::node)
    node_timer(t, info.at);
  return {};
}

namespace {

void node_timer(turn& t, const slot_ref& at) {
  const auto in = gather(t, at);
  const auto input = in ? merged(t, *in) : result<shared_value>{in.error()};
  if (!input)
    return fail(t, at, to_error(input.error()));
  switch (t.slot_at(at).wait) {
  case wait_kind::delay:
  case wait_kind::time: return complete(t, at, t.keep(*input));
  case wait_kind::signal: return complete(t, at, t.keep(*input), "timeout");
  case wait_kind::review: return review_timed_out(t, at);
  case wait_kind::merge: return merge_timed_out(t, at);
  case wait_kind::condition: {
    const auto parameters = parameters_of(t, at, *input);
    return parameters ? poll_condition(t, at, *input, *parameters)
                      : fail(t, at, to_error(parameters.error()));
  }
  case wait_kind::none:
  case wait_kind::child:
  case wait_kind::retry: return;
  }
}

std::optional<slot_ref> waiting_slot(const turn& t, wait_kind wait, std::string_view name) {
  for (const auto& [key, place] : t.s.scopes)
    for (std::uint32_t i = 0; i < place.slots.size(); ++i)
      if (const auto& what = place.slots[i];
          what.status == step_status::waiting && what.wait == wait && what.name == name)
        return slot_ref{key, t.p.regions[key.region].nodes[i]};
  return std::nullopt;
}

} // namespace

refusal apply(turn& t, const commands::signal& c) {
  if (terminal(t.s.status))
    return refused(failure_kind::conflict, "execution_finished", "The execution has ended.");
  const auto& seen = t.s.signal_ids;
  if (!c.message_id.empty() && std::find(seen.begin(), seen.end(), c.message_id) != seen.end())
    return ignored("signal_repeated", "This signal was received already.");
  if (t.s.signals.size() >= t.c.signals_max)
    return refused(failure_kind::exhausted, "signals_full", "Too many signals wait to be taken.");
  const auto data = c.data.empty() ? value_ref{null_value()} : t.keep(c.data);
  t.emit(events::signal_received{c.name, data, c.message_id});
  if (const auto at = waiting_slot(t, wait_kind::signal, c.name)) {
    cancel_timer(t, *at);
    t.emit(events::signal_taken{c.name, t.place_at(*at)});
    complete(t, *at, data);
  }
  return {};
}

refusal apply(turn& t, const commands::decide_review& c) {
  const auto at = waiting_slot(t, wait_kind::review, c.review);
  if (terminal(t.s.status) || !at)
    return refused(failure_kind::conflict, "review_closed", "The review is decided or withdrawn.");
  const auto& node = t.node_at(*at);
  const auto type = text_of(node.constants, "notification_type", "approval");
  const bool form = node.kind == node_kind::human && (type == "input" || type == "review");
  cancel_timer(t, *at);
  events::review_decided e;
  e.at = t.place_at(*at);
  e.review = c.review;
  e.decision = !c.approved ? review_decision::rejected
               : form      ? review_decision::completed
                           : review_decision::approved;
  e.data = t.keep(c.data);
  e.message = c.message;
  e.by = c.by;
  const auto decided = e.decision;
  t.emit(std::move(e));
  if (node.kind != node_kind::human) {
    if (!c.approved)
      fail(t, *at, {"outcome_unknown", "The interrupted attempt was not repeated.", 0, false, {}});
    return {};
  }
  const auto data = c.data.get(t.c.blobs);
  const auto answer = review_answer(data ? **data : json::value{}, c.approved, c.message, c.by);
  complete(t, *at, t.keep(answer),
           decided == review_decision::rejected    ? "rejected"
           : decided == review_decision::completed ? "completed"
                                                   : "approved");
  return {};
}

refusal apply(turn& t, const commands::finish_child& c) {
  const auto at = locate(t.p, c.at);
  const auto* what = at.node == no_index ? nullptr : find_slot(t.p, t.s, at);
  if (terminal(t.s.status) || !what || what->wait != wait_kind::child || what->child != c.child)
    return ignored("child_unknown", "Nobody waits for this child.");
  const auto output = t.keep(c.output);
  t.emit(events::child_finished{c.at, c.child, c.status, output, c.error});
  if (c.status == run_status::success || c.status == run_status::partial) {
    complete(t, at, output.empty() ? value_ref{null_value()} : output);
    return {};
  }
  fail(t, at,
       {"child_" + std::string{to_text(c.status)},
        "The sub-workflow ended " + std::string{to_text(c.status)} +
            (c.error ? ": " + c.error->message : std::string{"."}),
        0,
        false,
        {}});
  return {};
}

} // namespace troupe::deciding

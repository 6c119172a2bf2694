#include "runtime/engine/projection.hpp"

#include "runtime/engine/report.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

std::string_view status_of(review_decision decision) noexcept {
  switch (decision) {
  case review_decision::approved: return "approved";
  case review_decision::rejected: return "rejected";
  case review_decision::completed: return "completed";
  case review_decision::expired: return "timeout";
  case review_decision::withdrawn: return "cancelled";
  }
  return "cancelled";
}

/// Collects what single events change; `reviews` are those that were open before the event.
struct collector {
  const run_state& after;
  const event& at;
  std::map<std::string, open_review>& reviews;
  blob_port& blobs;
  projected& out;
  bool listed = false; ///< lists show something new, whatever the status

  void send(const run_id& to, messages::any what) const {
    out.outbox.push_back(
        {partition_of(to), to_text(after.id) + "." + std::to_string(at.seq), std::move(what)});
  }

  void operator()(const events::execution_started&) { listed = true; }
  void operator()(const events::execution_admitted&) { listed = true; }
  void operator()(const events::execution_retried&) { listed = true; }

  void operator()(const events::execution_finished& e) {
    listed = true;
    if (const auto& parent = after.start.parent)
      send(parent->run, messages::child_ended{*parent, after.id, e.status, e.output, e.error});
    for (const auto& [id, review] : std::exchange(reviews, {}))
      close(review, {}, review_decision::withdrawn);
  }

  void operator()(const events::timer_set& e) const {
    out.timers.push_back({e.due, e.timer, true});
  }
  void operator()(const events::timer_fired& e) const { drop_timer(e.timer, e.due); }
  void operator()(const events::timer_cancelled& e) const { drop_timer(e.timer, e.due); }

  void operator()(const events::child_started& e) const {
    const auto& start = after.start;
    send(e.child, messages::start_child{e.child,
                                        {after.id, e.at},
                                        e.workflow_id,
                                        e.workflow_version,
                                        e.input,
                                        e.depth,
                                        start.triggered_by,
                                        start.priority,
                                        start.trace_id,
                                        start.user});
  }
  void operator()(const events::child_cancelled& e) const {
    send(e.child, messages::cancel_child{e.child, "The parent execution ended"});
  }

  void operator()(const events::review_opened& e) const {
    const auto& review = reviews[e.review] = {e, at.time};
    out.reviews.push_back(summary(review, "pending"));
    out.reviews.back().body = review_json(after, review, nullptr, "pending", {}, blobs);
  }
  void operator()(const events::review_decided& e) const {
    const auto found = reviews.find(e.review);
    if (found == reviews.end())
      return;
    const auto review = std::move(found->second);
    reviews.erase(found);
    close(review, e, e.decision);
  }

  template <class Event> void operator()(const Event&) const {}

private:
  /// A timer that begins and ends in one turn leaves no row.
  void drop_timer(std::uint64_t timer, instant due) const {
    const auto fresh = std::find_if(out.timers.begin(), out.timers.end(),
                                    [&](const auto& one) { return one.timer == timer && one.set; });
    if (fresh != out.timers.end())
      out.timers.erase(fresh);
    else
      out.timers.push_back({due, timer, false});
  }

  review_summary summary(const open_review& review, std::string_view status) const {
    review_summary row;
    row.id = review.what.review;
    row.execution = after.id;
    row.workflow_id = after.start.workflow_id;
    row.node = review.what.at.node;
    row.kind = review.what.type;
    row.title = review.what.title;
    row.priority = review.what.priority;
    row.status = status;
    row.created = review.opened;
    row.due = review.what.due;
    return row;
  }

  void close(const open_review& review, const std::optional<events::review_decided>& e,
             review_decision decision) const {
    auto row = summary(review, status_of(decision));
    row.decided = at.time;
    row.body = review_json(after, review, e ? &*e : nullptr, row.status, at.time, blobs);
    out.reviews.push_back(std::move(row));
  }
};

active_change change_of(const footprint& before, const footprint& now) noexcept {
  if (!before.active)
    return now.active ? active_change::put : active_change::none;
  if (!now.active)
    return active_change::remove;
  return before.owing == now.owing ? active_change::none : active_change::move;
}

/// Everything of the footprint but the reviews.
void note(footprint& so_far, const run_state& after, const std::vector<event>& turn,
          const chain_hash& last) {
  so_far.last = last;
  so_far.active = !terminal(after.status);
  so_far.owing = owes_now(after, turn);
  so_far.shown = visible_status(after);
}

} // namespace

bool owes_now(const run_state& after, const std::vector<event>& turn) noexcept {
  if (terminal(after.status))
    return false;
  const bool cut_off =
      !turn.empty() && std::holds_alternative<events::turn_yielded>(turn.back().what);
  return after.running > 0 || !after.ready.empty() || cut_off;
}

execution_summary summary_of(const run_state& s) {
  execution_summary row;
  row.id = s.id;
  row.workflow_id = s.start.workflow_id;
  row.workflow_name = s.start.workflow_name;
  row.workflow_version = s.start.workflow_version;
  row.status = visible_status(s);
  row.trigger_type = s.start.trigger_type;
  row.triggered_by = s.start.triggered_by;
  row.priority = s.start.priority;
  row.user = s.start.user;
  if (s.start.parent)
    row.parent = s.start.parent->run;
  row.created = s.created;
  row.started = s.started;
  row.ended = s.ended;
  if (s.error) {
    row.error_code = s.error->code;
    row.error_message = s.error->message;
  }
  row.last_seq = s.seq;
  row.attempt = s.attempt;
  return row;
}

projected project(const run_state& after, const std::vector<event>& turn, footprint& so_far,
                  blob_port& blobs, digest_fn digest) {
  check(!turn.empty(), "a turn that is projected has events");
  projected out;
  out.first_seq = turn.front().seq;
  const auto text = encode_events(turn);
  const auto header = seal(so_far.last, text, digest);
  out.turn = encode_turn(header, text);

  bool listed = false;
  for (const auto& e : turn) {
    collector collect{after, e, so_far.reviews, blobs, out};
    std::visit(collect, e.what);
    listed = listed || collect.listed;
  }
  blobs_of(turn, out.blobs);
  std::sort(out.blobs.begin(), out.blobs.end());
  out.blobs.erase(std::unique(out.blobs.begin(), out.blobs.end()), out.blobs.end());

  footprint now;
  note(now, after, turn, header.last);
  out.active = change_of(so_far, now);
  out.owing_before = so_far.owing;
  out.owing = now.owing;
  if (listed || now.shown != so_far.shown)
    out.execution = summary_of(after);
  now.reviews = std::move(so_far.reviews);
  so_far = std::move(now);
  return out;
}

void follow(footprint& so_far, const run_state& after, const std::vector<event>& turn,
            const chain_hash& last) {
  for (const auto& e : turn) {
    if (const auto* opened = std::get_if<events::review_opened>(&e.what))
      so_far.reviews[opened->review] = {*opened, e.time};
    else if (const auto* decided = std::get_if<events::review_decided>(&e.what))
      so_far.reviews.erase(decided->review);
    else if (std::holds_alternative<events::execution_finished>(e.what))
      so_far.reviews.clear();
  }
  note(so_far, after, turn, last);
}

} // namespace troupe

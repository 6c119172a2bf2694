// What a run tells others: answers to questions, events to subscribers. Committed state only.
#include "actors/run/run_core.hpp"

#include "runtime/engine/report.hpp"

#include <algorithm>

namespace troupe {

namespace {

std::shared_ptr<const std::string> review_text(std::string_view node, std::string_view review) {
  return std::make_shared<const std::string>(json::write(json::value(
      json::object{{"node", json::string(node)}, {"review_id", json::string(review)}})));
}

/// What a step said last is no event: it is shown while the run goes on, and then forgotten.
std::shared_ptr<const std::string> with_progress(std::string_view execution,
                                                 std::string_view progress) {
  execution.remove_suffix(1); // the closing brace
  std::string text(execution);
  text += R"(,"progress":)";
  text += progress;
  text += '}';
  return std::make_shared<const std::string>(std::move(text));
}

} // namespace

result<started_run> run_core::started(bool repeated) {
  started_run out;
  out.id = run_;
  out.status = to_text(visible_status(record_.state));
  out.repeated = repeated;
  out.finished = terminal(record_.state.status);
  out.at = here();
  if (out.finished && history_) {
    out.execution = std::make_shared<const std::string>(
        execution_json(*record_.plan, record_.state, blobs_, &*history_));
  } else if (out.finished) {
    auto text = execution_text_of(shared_, partition_, record_, blobs_);
    if (!text)
      return text.error();
    out.execution = text->json;
  }
  return out;
}

void run_core::answer_waiters(bool wait_is_over) {
  const bool ended = terminal(record_.state.status);
  std::vector<waiter> stay;
  for (auto& each : waiters_) {
    if (each.until_end && !ended && !wait_is_over) {
      stay.push_back(std::move(each));
      continue;
    }
    if (each.until_end || each.repeated) {
      each.answer(started(each.repeated));
    } else {
      started_run out;
      out.id = run_;
      out.status = to_text(visible_status(record_.state));
      out.at = here();
      each.answer(std::move(out));
    }
  }
  waiters_ = std::move(stay);
}

void run_core::answer_question(run_question& q) {
  auto* asked = std::get_if<ask_execution>(&q);
  if (!asked || !progress_ || terminal(record_.state.status))
    return answer_about(shared_, partition_, record_, blobs_, q);
  auto text = execution_text_of(shared_, partition_, record_, blobs_);
  if (text)
    text->json = with_progress(*text->json, *progress_);
  asked->answer(std::move(text));
}

void run_core::on(watch_run& m) {
  std::erase_if(watchers_, [&](const watcher& w) { return w.ticket == m.ticket; });
  if (!m.who || !ready()) {
    maybe_idle();
    return;
  }
  watcher w{m.ticket, m.since, std::move(m.who)};
  catch_up(w);
  const bool ended = terminal(record_.state.status) && !flight_;
  if (w.who && ended)
    w.who->on_end(run_);
  else if (w.who)
    watchers_.push_back(std::move(w));
  pump();
}

/// Who comes later must know as well that the run waits for a person.
void run_core::tell_open_reviews(subscriber& who) {
  const auto& p = *record_.plan;
  for (const auto& [key, place] : record_.state.scopes)
    for (std::size_t i = 0; i < place.slots.size(); ++i)
      if (const auto& slot = place.slots[i];
          slot.status == step_status::waiting && slot.wait == wait_kind::review)
        who.on_live(run_, "user_input_required",
                    review_text(p.nodes[p.regions[key.region].nodes[i]].id, slot.name));
}

/// Gives what is stored and was not seen yet.
void run_core::catch_up(watcher& w) {
  if (fresh_)
    return;
  const auto fine = each_event(shared_, partition_, run_, w.seen, [&](const stored_event& e) {
    w.seen = e.seq;
    if (w.who->on_event(run_, e.seq, e.kind, std::make_shared<const std::string>(e.json())))
      return true;
    w.who = nullptr;
    return false;
  });
  if (!fine || !w.who) {
    w.who = nullptr;
    shared_.metrics.subscribers_dropped.add();
  } else if (!flight_) // or its commit tells
    tell_open_reviews(*w.who);
}

void run_core::publish(const std::vector<event>& turn) {
  workflow_watchers::list others;
  if (shared_.watchers.any())
    others = shared_.watchers.of(record_.state.start.workflow_id);
  if (watchers_.empty() && others.empty())
    return;
  const auto first = turn.front().seq;
  const auto fine = each_event(shared_, partition_, run_, first - 1, [&](const stored_event& e) {
    if (e.seq > turn.back().seq)
      return false;
    const auto json = std::make_shared<const std::string>(e.json());
    for (auto& w : watchers_) {
      if (!w.who || e.seq <= w.seen)
        continue;
      w.seen = e.seq;
      if (!w.who->on_event(run_, e.seq, e.kind, json))
        w.who = nullptr;
    }
    for (const auto& other : others)
      other->on_event(run_, e.seq, e.kind, json);
    return true;
  });
  (void)fine; // unreadable rows end nobody's run; the reader of /events is told
  shared_.metrics.subscribers_dropped.add(static_cast<std::uint64_t>(
      std::erase_if(watchers_, [](const watcher& w) { return !w.who; })));
  for (const auto& e : turn)
    if (const auto* opened = std::get_if<events::review_opened>(&e.what))
      tell_live("user_input_required", review_text(opened->at.node, opened->review), others);
  if (terminal(record_.state.status))
    end_watchers();
}

void run_core::end_watchers() {
  for (auto& w : watchers_)
    if (w.who)
      w.who->on_end(run_);
  watchers_.clear();
}

void run_core::on(const step_live& m) {
  if (dead_)
    return;
  workflow_watchers::list others;
  if (shared_.watchers.any())
    others = shared_.watchers.of(record_.state.start.workflow_id);
  if (m.kind == "progress")
    progress_ = m.json;
  tell_live(m.kind, m.json, others);
}

/// To those who are here now: it is no event, and nobody gets it later.
void run_core::tell_live(std::string_view kind, const std::shared_ptr<const std::string>& json,
                         const workflow_watchers::list& others) {
  for (auto& w : watchers_)
    if (w.who && !w.who->on_live(run_, kind, json))
      w.who = nullptr;
  std::erase_if(watchers_, [](const watcher& w) { return !w.who; });
  for (const auto& other : others)
    other->on_live(run_, kind, json);
  if (shared_.tell_live)
    shared_.tell_live(run_, kind, json);
}

} // namespace troupe

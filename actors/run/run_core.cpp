#include "actors/run/run_core.hpp"

#include "persistence/store/refusals.hpp"
#include "runtime/base/log.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t commands_a_turn_max = 256;
constexpr milliseconds idle_unless_due_within{1'000};
/// Measured with ten steps: 15 KiB. Of the input twice what is in the state, once what is a blob.
constexpr std::size_t bytes_a_run = 16u << 10, input_in_state_max = 64u << 10;

failure restarting() {
  return {failure_kind::unavailable,
          "run_restarting",
          "the execution is being loaded again",
          "try again",
          {}};
}

} // namespace

run_core::run_core(engine_shared& shared, const run_spawn& what, run_actor self)
    : shared_(shared), partition_(what.partition), run_(what.run), term_(what.term),
      self_(std::move(self)), blobs_(shared, what.partition, what.run), fresh_(what.fresh),
      claim_(shared.budget, budget_kind::runs, bytes_a_run) {
  record_.state.id = run_;
  if (shared.spans)
    spans_ = std::make_unique<run_spans>(*shared.spans);
}

/// Loads the run before its first use. False: it cannot be used, whoever asked is told by give_up.
bool run_core::ready() {
  if (dead_)
    return false;
  if (loaded_ || fresh_)
    return true;
  // What is in flight elsewhere, or may be, must not be recorded as interrupted.
  if (!may_act()) {
    give_up(leadership_lost(), false);
    return false;
  }
  auto mark = begin_loading(shared_, run_, loading_work::resume);
  if (!mark) {
    give_up(mark.error(), false);
    return false;
  }
  loading_ = std::move(*mark);
  auto found = fold_run(shared_, partition_, run_);
  if (!found) {
    give_up(found.error(), false);
    return false;
  }
  record_ = std::move(*found);
  loaded_ = true;
  index_ = shared_.log.applied(partition_);
  if (spans_)
    spans_->resume(*record_.plan, record_.state);
  if (terminal(record_.state.status))
    return true;
  // Nothing of this run is in flight in this process: what was, ended with its actor.
  inbox_.insert(inbox_.begin(), entry{commands::recover{}, {}, {}});
  std::vector<effects::any> owed_now;
  for (auto& each : owed(*record_.plan, record_.state))
    if (!std::holds_alternative<effects::run_attempt>(each))
      owed_now.push_back(std::move(each));
  perform(owed_now);
  return true;
}

void run_core::on(begin_run& m) {
  if (dead_)
    return m.answer(restarting());
  needs_news_ = true;
  place_ = std::move(m.place);
  claim_.set(bytes_a_run + m.bytes + std::min(m.bytes, input_in_state_max));
  with_ = std::move(m.with);
  auto plan = shared_.workflows->plan_of(partition_, m.what.what.workflow_id,
                                         m.what.what.workflow_version, m.what.what.definition);
  if (!plan) {
    m.answer(plan.error());
    return give_up(plan.error(), false);
  }
  record_.plan = std::move(*plan);
  waiters_.push_back({std::move(m.answer), m.wait, false});
  if (m.wait)
    history_.emplace();
  inbox_.push_back({std::move(m.what), {}, {}});
  shared_.metrics.runs_started.add();
  pump();
}

void run_core::on(join_run& m) {
  if (!ready())
    return m.answer(restarting());
  waiters_.push_back({std::move(m.answer), m.wait, true});
  if (!flight_ && record_.state.seq > 0)
    answer_waiters(false);
  pump();
}

void run_core::on(command_run& m) {
  if (!ready())
    return m.answer(restarting());
  inbox_.push_back({std::move(m.what), std::move(m.answer), m.not_before});
  pump();
}

void run_core::on(ask_run& m) {
  if (!ready())
    return std::visit([](auto& q) { q.answer(restarting()); }, m.what);
  if (flight_)
    questions_.push_back(std::move(m.what));
  else
    answer_question(m.what);
  pump();
}

void run_core::on(const wait_over&) {
  if (!dead_ && !flight_)
    answer_waiters(true);
  else if (!dead_)
    for (auto& each : waiters_)
      each.until_end = false;
  maybe_idle();
}

void run_core::on(step_ended& m) {
  const auto at = steps_.find({m.at.node, m.at.iteration});
  if (dead_ || at == steps_.end() || at->second.attempt != m.attempt)
    return;
  if (!m.begun)
    return give_up(leadership_lost(), false);
  const auto took = std::chrono::steady_clock::now() - at->second.since;
  shared_.metrics.step.add(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  steps_.erase(at);
  inbox_.push_back(
      {commands::finish_attempt{std::move(m.at), m.attempt, std::move(m.outcome)}, {}, {}});
  pump();
}

void run_core::pump() {
  while (!flight_ && !inbox_.empty() && !dead_) {
    std::vector<entry> batch;
    if (inbox_.size() <= commands_a_turn_max) {
      batch.swap(inbox_);
    } else {
      const auto cut = inbox_.begin() + commands_a_turn_max;
      batch.assign(std::make_move_iterator(inbox_.begin()), std::make_move_iterator(cut));
      inbox_.erase(inbox_.begin(), cut);
    }
    decide_all(std::move(batch));
  }
  maybe_idle();
}

void run_core::decide_all(std::vector<entry> batch) {
  std::vector<commands::any> what;
  what.reserve(batch.size());
  auto now = shared_.clock.now();
  for (auto& each : batch) {
    what.push_back(std::move(each.what));
    if (each.not_before && *each.not_before > now)
      now = *each.not_before;
  }
  const decide_context context{.now = now,
                               .blobs = blobs_,
                               .limits = {},
                               .partitions = shared_.settings.partitions,
                               .interruptions_max = shared_.settings.interruptions_max,
                               .default_run_timeout = shared_.settings.run_timeout};
  const bool was_terminal = terminal(record_.state.status);
  auto made = decide(*record_.plan, record_.state, what, context);
  std::vector<answer_due> answers;
  std::size_t refused = 0;
  for (std::size_t i = 0; i < batch.size(); ++i) {
    std::optional<failure> why;
    if (refused < made.rejected.size() && made.rejected[refused] == i) {
      const auto& no = made.rejections[refused++];
      if (!no.ignored)
        why = no.why;
    }
    if (batch[i].answer)
      answers.push_back({std::move(batch[i].answer), std::move(why)});
    else if (why && std::holds_alternative<commands::start>(what[i]))
      return give_up(*why, false);
  }
  if (made.events.empty()) {
    // Nothing is committed that would prove that nobody else decides about this run by now.
    const bool sure = answers.empty() || may_act();
    for (auto& each : answers)
      if (!sure)
        each.answer(not_leader(shared_.log.leads(partition_)));
      else
        each.refusal ? each.answer(*each.refusal) : each.answer(done_at{here(), nullptr});
    return;
  }
  propose(std::move(made), std::move(answers));
  flight_->was_terminal = was_terminal;
}

void run_core::propose(decision made, std::vector<answer_due> answers) {
  auto rows = turn_rows_of(shared_.settings, partition_, record_, made.events, blobs_);
  proposal what;
  what.partition = partition_;
  what.term = term_;
  what.facts = std::move(rows.facts);
  for (auto& row : with_)
    what.facts.push_back(std::move(row));
  with_.clear();
  what.derived = std::move(rows.derived);
  what.changed = to_text(run_);

  flight now;
  now.ticket = ++ticket_;
  now.owed = newly_owed(*record_.plan, record_.state, made.events);
  now.events = std::move(made.events);
  now.answers = std::move(answers);
  now.outbox = std::move(rows.outbox);
  now.since = std::chrono::steady_clock::now();
  flight_ = std::move(now);

  shared_.log.propose(
      std::move(what),
      [shared = shared_.shared_from_this(), self = self_, partition = partition_, ticket = ticket_,
       views = std::move(rows.views)](const result<std::uint64_t>& index) mutable {
        if (index) {
          // On the log's thread, in the order of the log: views never skip a change.
          shared->lists.apply(partition, *index, std::move(views));
          caf::anon_send(self, settled{ticket, *index, nullptr});
        } else {
          caf::anon_send(self, settled{ticket, 0, std::make_shared<const failure>(index.error())});
        }
      });
}

void run_core::on(const settled& m) {
  if (dead_ || !flight_ || flight_->ticket != m.ticket)
    return;
  if (m.index == 0) {
    shared_.metrics.commits_failed.add();
    return give_up(*m.why, false);
  }
  auto turn = std::move(*flight_);
  flight_.reset();
  blobs_.committed();
  fresh_ = false;
  loaded_ = true;
  index_ = m.index;
  const auto took = std::chrono::steady_clock::now() - turn.since;
  shared_.metrics.commit.add(static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::microseconds>(took).count()));
  place_.reset();
  count(turn.events);
  if (spans_)
    spans_->add(record_.state, turn.events);
  remember(turn.events);
  for (auto& each : turn.answers)
    each.refusal ? each.answer(*each.refusal) : each.answer(done_at{here(), nullptr});
  if (!turn.outbox.empty())
    caf::anon_send(partition(), outbox_added{term_, std::move(turn.outbox)});
  abort_ended(turn.events);
  const bool ended = terminal(record_.state.status);
  if (needs_news_ || (ended && !turn.was_terminal)) {
    needs_news_ = false;
    caf::anon_send(partition(), run_news{run_, term_, true, ended});
  }
  if (!waiters_.empty())
    answer_waiters(false);
  publish(turn.events);
  perform(turn.owed);
  auto asked = std::exchange(questions_, {});
  for (auto& each : asked)
    answer_question(each);
  pump();
}

void run_core::remember(const std::vector<event>& turn) {
  constexpr sequence_number remembered_max = 2'000;
  if (!history_)
    return;
  if (waiters_.empty() || record_.state.seq > remembered_max)
    return history_.reset();
  for (const auto& e : turn)
    history_->add(e);
}

void run_core::give_up(const failure& why, bool crash) {
  if (std::exchange(dead_, true))
    return;
  if (flight_)
    for (auto& each : flight_->answers)
      each.answer(why);
  flight_.reset();
  for (auto& each : inbox_)
    each.answer(why);
  inbox_.clear();
  for (auto& each : waiters_)
    each.answer(why);
  waiters_.clear();
  for (auto& each : questions_)
    std::visit([&](auto& q) { q.answer(why); }, each);
  questions_.clear();
  watchers_.clear();
  place_.reset();
  stop();
  crash_ = crash;
  maybe_idle();
}

void run_core::crashed() {
  shared_.metrics.crashes.add();
  give_up({failure_kind::internal, "run_crashed", "the execution's actor failed", {}, {}}, true);
}

void run_core::stop() {
  for (auto& [key, step] : steps_)
    caf::anon_send(step.actor, abort_step{});
  steps_.clear();
}

void run_core::maybe_idle() {
  if (idle_at_ == received_)
    return;
  if (dead_) {
    idle_at_ = received_;
    caf::anon_send(partition(), run_idle{run_, term_, received_, true, crash_, false});
    return;
  }
  if (flight_ || !inbox_.empty() || !steps_.empty() || !watchers_.empty() || !waiters_.empty())
    return;
  const auto& s = record_.state;
  const bool ended = terminal(s.status);
  if (!ended) {
    const auto soon = shared_.clock.now() + idle_unless_due_within;
    for (const auto& [timer, info] : s.timers)
      if (info.due <= soon)
        return;
  }
  idle_at_ = received_;
  caf::anon_send(partition(), run_idle{run_, term_, received_, false, false, ended});
}

} // namespace troupe

#include "actors/skills/cluster_tasks.hpp"

#include "actors/base/link_bytes.hpp"
#include "persistence/store/refusals.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

namespace {

constexpr partition_id workers_home{0};
constexpr milliseconds ask_again_min{200}, ask_again_max{2'000}, word_answer_max{2'000};
constexpr milliseconds answer_grace{5'000}; ///< the other side ends what is overdue
constexpr std::size_t foreign_tasks_max = 100'000;

attempt_outcome overdue() {
  return failed_attempt("timeout", "the step took longer than its timeout", true);
}

} // namespace

void cluster_tasks::begin(worker_task& m) {
  own_task task;
  task.deadline = clock_.elapsed() + m.task.timeout;
  task.what = {new_id_(), std::move(m.task)};
  task.done = std::move(m.done);
  task.live = std::move(m.live);
  tickets_.insert_or_assign(task.what.token, m.ticket);
  auto& kept = own_.insert_or_assign(m.ticket, std::move(task)).first->second;
  if (auto* table = here_())
    queue_here(m.ticket, kept, *table);
}

/// The table may answer before it returns: then the task is gone.
void cluster_tasks::queue_here(std::uint64_t ticket, own_task& task, worker_table& table) {
  auto what = task.what.what;
  what.timeout = std::max(task.deadline - clock_.elapsed(), milliseconds(1));
  const auto number = table.add(
      std::move(what), [this, ticket](attempt_outcome how) { finish(ticket, std::move(how)); },
      task.live, clock_.elapsed(), clock_.now());
  if (const auto at = own_.find(ticket); number != 0 && at != own_.end())
    at->second.number = number;
}

void cluster_tasks::finish(std::uint64_t ticket, attempt_outcome how) {
  const auto at = own_.find(ticket);
  if (at == own_.end())
    return;
  const auto done = std::move(at->second.done);
  tickets_.erase(at->second.what.token);
  own_.erase(at);
  done(std::move(how));
}

void cluster_tasks::drop(std::uint64_t ticket) {
  const auto at = own_.find(ticket);
  if (at == own_.end())
    return;
  const auto task = std::move(at->second);
  tickets_.erase(task.what.token);
  own_.erase(at);
  if (auto* table = here_(); table && task.number != 0)
    table->abort(task.number);
  else if (task.node != 0)
    link_.ask(task.node, link_topic::task, encode_task_abort(task.what.token), ask_again_max,
              [](const result<std::string>&) {});
}

void cluster_tasks::ask(std::uint64_t ticket, own_task& task, const workers_actor& self) {
  const auto control = log_.leads(workers_home);
  const auto now = clock_.elapsed();
  if (control.leader == 0) {
    task.ask_at = now + ask_again_min;
    return;
  }
  auto what = task.what;
  what.what.timeout = std::max(task.deadline - now, milliseconds(1));
  task.node = control.leader;
  task.ask = ++next_ask_;
  link_.ask(control.leader, link_topic::task, encode_task(what), what.what.timeout + answer_grace,
            [self, ticket, number = task.ask](result<std::string> answer) {
              caf::anon_send(self, task_settled{ticket, number,
                                                std::make_shared<const result<std::string>>(
                                                    std::move(answer))});
            });
}

/// What fails is asked again: where control is led by then, nobody knows of it.
void cluster_tasks::settled(const task_settled& m, const workers_actor&) {
  const auto at = own_.find(m.ticket);
  if (at == own_.end() || at->second.ask != m.number)
    return;
  auto& task = at->second;
  task.ask = 0;
  if (*m.answer) {
    auto outcome = decode_outcome(**m.answer);
    return finish(m.ticket, outcome ? std::move(*outcome)
                                    : failed_attempt("internal", outcome.error().message, false));
  }
  const auto& why = m.answer->error();
  if (why.kind != failure_kind::unavailable)
    return finish(m.ticket, failed_attempt(why.code, why.message, false));
  task.back_off = std::clamp(task.back_off * 2, ask_again_min, ask_again_max);
  task.ask_at = clock_.elapsed() + task.back_off;
}

void cluster_tasks::look(const workers_actor& self) {
  const auto now = clock_.elapsed();
  auto* table = here_();
  std::vector<std::uint64_t> due, late;
  for (const auto& [ticket, task] : own_) {
    if (task.number == 0 && now >= task.deadline + (task.ask != 0 ? answer_grace : milliseconds(0)))
      late.push_back(ticket);
    else if (task.number == 0 && (table || (task.ask == 0 && task.ask_at <= now)))
      due.push_back(ticket);
  }
  for (const auto ticket : late)
    finish(ticket, overdue());
  for (const auto ticket : due)
    if (auto& task = own_.at(ticket); table) {
      task.ask = 0; // of a leader that was
      queue_here(ticket, task, *table);
    } else {
      ask(ticket, task, self);
    }
}

void cluster_tasks::control_moved() {
  foreign_.clear(); // their promises answer
  for (auto& [ticket, task] : own_) {
    task.number = task.ask = 0;
    task.ask_at = task.back_off = milliseconds(0);
  }
}

void cluster_tasks::queue_foreign(std::uint64_t from, remote_task what, promise<std::string> answer,
                                  worker_table& table) {
  const auto token = what.token;
  if (const auto at = foreign_.find(token); at != foreign_.end()) {
    at->second.answer = std::move(answer); // whoever asked before is not there any more
    return;
  }
  if (foreign_.size() >= foreign_tasks_max)
    return answer(encode_outcome(
        failed_attempt("worker_queue_full", "too many tasks wait for workers", true)));
  foreign_.emplace(token, foreign_task{0, std::move(answer)});
  const auto number = table.add(
      std::move(what.what),
      [this, token](const attempt_outcome& how) {
        if (auto done = foreign_.extract(token))
          done.mapped().answer(encode_outcome(how));
      },
      [this, token, from](const std::string& kind, const std::shared_ptr<const std::string>& json) {
        link_.ask(from, link_topic::task, encode_word(token, kind, *json), word_answer_max,
                  [](const result<std::string>&) {});
      },
      clock_.elapsed(), clock_.now());
  if (const auto at = foreign_.find(token); at != foreign_.end())
    at->second.number = number;
}

void cluster_tasks::take(task_mail& m) {
  if (const auto said = decode_word(m.bytes)) {
    const auto ticket = tickets_.find(said->token);
    if (ticket != tickets_.end() && own_.at(ticket->second).live)
      own_.at(ticket->second).live(said->kind, said->json);
    return m.answer(std::string());
  }
  auto* table = here_();
  if (!table)
    return m.answer(not_leader(log_.leads(workers_home)));
  auto what = decode_task(m.bytes);
  if (!what)
    return m.answer(what.error());
  if (what->what.skill.empty()) { // the end of one
    if (auto gone = foreign_.extract(what->token))
      table->abort(gone.mapped().number);
    return m.answer(std::string());
  }
  queue_foreign(m.from, std::move(*what), std::move(m.answer), *table);
}

} // namespace troupe

#include "actors/limits/shared_tokens.hpp"

#include "actors/base/link_bytes.hpp"
#include "actors/base/run_history.hpp"
#include "persistence/store/refusals.hpp"
#include "runtime/base/log.hpp"

#include <caf/send.hpp>

namespace troupe {

namespace {

constexpr partition_id tokens_home{0};
constexpr milliseconds tokens_answer_max{2'000}, look_again{200};

token_request request_of(const token_wanted& m) {
  return {m.run, m.workflow, m.workflow_max, priority_from_text(m.priority)};
}

result<std::vector<run_id>> outcome_of(const token_settled& m) {
  return m.why ? result<std::vector<run_id>>(*m.why) : result<std::vector<run_id>>(m.runs);
}

} // namespace

void shared_tokens::on(const token_wanted& m) {
  client_.want(partition_of(m.run), m.term, request_of(m), shared_.clock.elapsed());
}

void shared_tokens::on(const token_free& m) {
  client_.release(partition_of(m.run), m.term, m.run);
}

void shared_tokens::on(const token_claims& m) {
  if (m.left)
    return client_.close(m.partition, m.term);
  std::vector<token_request> held, wanted;
  for (const auto& each : m.claims)
    (each.held ? held : wanted).push_back(request_of(each));
  client_.open(m.partition, m.term, held, wanted, shared_.clock.elapsed());
}

void shared_tokens::on(token_mail& m) {
  follow_control();
  const auto what = decode_tokens(m.bytes);
  if (!what)
    return m.answer(what.error());
  result<std::vector<run_id>> answer = std::vector<run_id>{};
  if (const auto* grants = std::get_if<token_grants>(&*what)) {
    answer = client_.grant(*grants);
  } else if (!bank_ || !shared_.log.may_act(tokens_home, bank_->term())) {
    answer = not_leader(shared_.log.leads(tokens_home));
  } else {
    answer = bank_->take(m.from, std::get<token_report>(*what));
  }
  m.answer(answer ? result<std::string>(encode_runs(*answer)) : answer.error());
}

void shared_tokens::on(const token_settled& m) {
  const auto now = shared_.clock.elapsed();
  if (!m.grants)
    client_.reported(m.partition, m.term, m.bank, m.number, outcome_of(m), now);
  else if (bank_ && bank_->term() == m.bank)
    bank_->pushed(m.partition, m.number, outcome_of(m), now);
}

void shared_tokens::follow_control() {
  const auto control = shared_.log.leads(tokens_home);
  client_.bank_is(control.here ? shared_.link->self() : control.leader, control.term);
  if (!control.here)
    bank_.reset();
  else if (!bank_ || bank_->term() != control.term)
    bank_ = std::make_unique<token_bank>(
        token_bank::options{shared_.settings.executions_max, shared_.settings.partitions,
                            control.term, shared_.clock.elapsed() + shared_.settings.token_lease});
}

/// Runs that hold a token, as far as this node's replica knows.
std::vector<token_request> shared_tokens::stored(partition_id partition) const {
  std::vector<token_request> out;
  const auto prefix = key_builder(partition).take();
  const auto read = shared_.rows.scan(
      table::active, prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
        key_reader reader(key);
        std::uint16_t in = 0;
        std::uint8_t owing = 0;
        run_id run;
        bool queued = false;
        if (!reader.u16(in) || !reader.u8(owing) || !reader.id(run.id))
          return true;
        if (const auto token = token_from_row(run, value, queued); token && !queued)
          out.push_back(request_of(*token));
        return true;
      });
  if (!read)
    log::error("limiter", "the list of unfinished executions is not readable",
               {{"partition", static_cast<std::int64_t>(number(partition))}});
  return out;
}

void shared_tokens::ask(std::uint64_t node, std::string bytes, token_settled about,
                        const limiter_actor& self) {
  shared_.link->ask(node, link_topic::tokens, std::move(bytes), tokens_answer_max,
                    [self, about = std::move(about)](const result<std::string>& answer) {
                      auto told = about;
                      auto runs = answer ? decode_runs(*answer) : answer.error();
                      if (runs)
                        told.runs = std::move(*runs);
                      else
                        told.why = std::make_shared<const failure>(runs.error());
                      caf::anon_send(self, std::move(told));
                    });
}

std::optional<milliseconds> shared_tokens::flush(const limiter_actor& self) {
  follow_control();
  const auto now = shared_.clock.elapsed();
  client_.settle(now);
  std::optional<milliseconds> next;
  if (bank_) {
    bank_->settle(
        now, shared_.log.may_act(tokens_home, bank_->term()),
        [this](partition_id p) {
          const auto led = shared_.log.leads(p);
          return led.here || led.leader != 0 ? std::optional(led.term) : std::nullopt;
        },
        [this](partition_id p) { return stored(p); });
    for (auto& each : bank_->take_pushes(now))
      ask(each.node, encode_grants(each.what),
          {each.what.partition, each.what.term, each.what.bank, each.number, true, {}, {}}, self);
    next = bank_->giving() ? bank_->next_due() : now + look_again;
  }
  for (auto& each : client_.take_reports(now))
    ask(client_.bank_node(), encode_report(each),
        {each.partition, each.term, each.bank, each.number, false, {}, {}}, self);
  for (const auto& each : client_.take_news())
    caf::anon_send(shared_.partition(partition_of(each.run)),
                   run_granted{each.run, each.term, each.at_once, each.queued});
  if (const auto due = client_.next_due())
    next = std::min(next.value_or(*due), *due);
  return next;
}

} // namespace troupe

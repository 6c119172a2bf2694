// Opening a partition, its timers, and what comes back on every tick.
#include "actors/partition/partition_core.hpp"

#include "actors/base/faults.hpp"
#include "runtime/base/log.hpp"

#include <caf/send.hpp>

namespace troupe {

namespace {

/// Loading at once what a crash left would starve those who wait for answers.
constexpr std::size_t recoveries_a_tick = 64;
constexpr std::size_t recovering_max = 2'000; ///< live at a time
constexpr std::size_t timers_a_tick = 2'000;
constexpr milliseconds sweep_every{3'600'000};

} // namespace

void partition_core::on(const open_partition&) {
  if (open_)
    return;
  const auto prefix = key_builder(partition_).take();
  std::size_t failed = 0;
  token_claims tokens{partition_, term_, false, {}};
  const auto active = shared_.rows.scan(
      table::active, prefix, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
        key_reader reader(key);
        std::uint16_t partition = 0;
        std::uint8_t owing = 0;
        run_id run;
        if (!reader.u16(partition) || !reader.u8(owing) || !reader.id(run.id)) {
          ++failed;
          return true;
        }
        if (owing == 1)
          to_recover_.push_back(run);
        bool queued = false;
        if (auto token = token_from_row(run, value, queued)) {
          token->held = !queued;
          token->term = term_;
          tokens_.insert(run);
          tokens.claims.push_back(std::move(*token));
        }
        return true;
      });
  if (!active || failed > 0)
    log::error("partition", "the list of unfinished executions is not readable",
               {{"partition", static_cast<std::int64_t>(number(partition_))}});
  caf::anon_send(shared_.limiter, std::move(tokens));
  read_outbox();
  timers_.reread();
  next_sweep_ = shared_.clock.elapsed() + sweep_every;
  next_look_ = shared_.clock.elapsed();
  open_ = true;
  ++shared_.opened;
  may_act_ = shared_.log.may_act(partition_, term_);
  recover_some();
}

void partition_core::recover_some() {
  for (std::size_t i = 0; i < recoveries_a_tick && !to_recover_.empty(); ++i) {
    if (live_.size() >= recovering_max || !may_act_)
      return;
    const auto run = to_recover_.front();
    to_recover_.pop_front();
    // Whatever the message, a run that is loaded records first what was interrupted.
    if (!live_.contains(run))
      forward(run, command_run{run, commands::recover{}, {}, {}});
  }
}

void partition_core::reload_failed() {
  const auto now = shared_.clock.elapsed();
  while (!reload_at_.empty() && reload_at_.begin()->first <= now) {
    const auto run = reload_at_.begin()->second;
    reload_at_.erase(reload_at_.begin());
    if (live_.contains(run))
      continue;
    if (granted_.contains(run)) // perhaps it failed over that very message
      forward(run, command_run{run, commands::admit{}, {}, {}});
    else
      forward(run, command_run{run, commands::recover{}, {}, {}});
  }
}

void partition_core::on(const timers_armed& m) {
  for (const auto& timer : m.timers)
    timers_.arm(m.run, timer);
}

void partition_core::fire_timers() {
  for (const auto& due : timers_.take_due(timers_a_tick)) {
    if (!live_.contains(due.run) && !timers_.stands(due))
      continue;
    if (told_to_drop(shared_, "timer", due.run))
      continue;
    forward(due.run, command_run{due.run, commands::fire_timer{due.timer}, {}, due.due});
  }
}

void partition_core::on(const partition_tick&) {
  if (!open_ || closing_)
    return;
  may_act_ = shared_.log.may_act(partition_, term_);
  const bool on_time = !shared_.services.stopped("scheduler");
  if (may_act_) {
    recover_some();
    if (on_time)
      fire_timers();
    reload_failed();
    shared_.services.worked("executor", partition_);
    if (on_time)
      shared_.services.worked("scheduler", partition_);
  }
  end_waits();
  const auto now = shared_.clock.elapsed();
  if (!outbox_.empty() && next_resend_ <= now)
    resend();
  if (next_look_ <= now)
    look_for_stuck();
  if (next_sweep_ <= now) {
    next_sweep_ = now + (sweep_from_.empty() ? sweep_every : milliseconds(100));
    sweep_dedupe();
  }
}

void partition_core::on(close_partition& m) {
  closing_ = true;
  for (auto& [run, start] : std::exchange(waiting_for_token_, {}))
    start.what.answer(failure{failure_kind::unavailable,
                              "shutting_down",
                              "the node is stopping",
                              "try again with the same key",
                              {}});
  for (auto& [run, each] : live_)
    caf::anon_send(each.actor, stop_run{});
  shared_.metrics.runs_live.sub(live_.size());
  live_.clear();
  m.answer(done_at{});
}

} // namespace troupe

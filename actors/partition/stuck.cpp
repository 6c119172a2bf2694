// A slow look for what hangs: live runs look at themselves, timers and messages are looked at here.
// Nothing that sleeps is woken for it.
#include "actors/partition/partition_core.hpp"

#include "runtime/base/log.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t runs_a_tick = 256;
constexpr milliseconds between_slices{100}, look_min{100}, look_max{60'000};

void tell(engine_shared& shared, const run_id& run, std::string_view kind, std::string message) {
  shared.metrics.stuck.add();
  log::warning("partition", "execution stuck",
               {{"execution_id", std::string_view(to_text(run))},
                {"kind", kind},
                {"why", std::string_view(message)}});
  shared.stuck.note(run, std::string(kind), std::move(message), shared.clock.elapsed());
}

} // namespace

void partition_core::look_for_stuck() {
  const auto now = shared_.clock.elapsed();
  if (to_check_.empty()) {
    to_check_.reserve(live_.size());
    for (const auto& [run, each] : live_)
      to_check_.push_back(run);
    check_timers();
    check_outbox();
  }
  check_runs();
  const auto pause = std::clamp(shared_.settings.stuck_after / 4, look_min, look_max);
  next_look_ = now + (to_check_.empty() ? pause : between_slices);
}

void partition_core::check_runs() {
  for (std::size_t i = 0; i < runs_a_tick && !to_check_.empty(); ++i) {
    const auto run = to_check_.back();
    to_check_.pop_back();
    if (live_.contains(run))
      forward(run, check_up{});
  }
  if (to_check_.empty())
    to_check_.shrink_to_fit();
}

void partition_core::check_timers() {
  for (const auto& lost : overdue_.look()) {
    if (given_up(shared_, lost.run))
      continue;
    tell(shared_, lost.run, "timer_overdue", "a timer was due and did not fire");
    forward(lost.run, command_run{lost.run, commands::fire_timer{lost.timer}, {}, lost.due});
  }
}

/// They are sent again and again anyway; here it is told that it does not help.
void partition_core::check_outbox() {
  const auto now = shared_.clock.elapsed();
  for (auto& [key, each] : outbox_) {
    if (!each.first_sent || now - *each.first_sent < shared_.settings.stuck_after)
      continue;
    each.first_sent = now;
    if (const auto sender = run_id_from_text(key.second.substr(0, key.second.find('.'))))
      tell(shared_, *sender, "message_undelivered",
           "a message to another execution is not acknowledged");
    send_out(each);
  }
}

} // namespace troupe

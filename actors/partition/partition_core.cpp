// Routing: who is live, who must be made, who may go.
#include "actors/partition/partition_core.hpp"

#include "actors/base/run_blobs.hpp"
#include "runtime/base/log.hpp"

#include <caf/send.hpp>

#include <algorithm>

namespace troupe {

namespace {

constexpr std::uint32_t crashes_max = 3; ///< in a row; then nobody loads the run again
constexpr milliseconds reload_after{1'000};
constexpr milliseconds look_for_majority_every{200};

failure unknown_run() {
  return {failure_kind::not_found, "execution_not_found", "there is no such execution", {}, {}};
}

} // namespace

partition_core::partition_core(engine_shared& shared, partition_id partition, std::uint64_t term,
                               partition_actor self)
    : shared_(shared), partition_(partition), term_(term), self_(std::move(self)),
      timers_(shared, partition), ticket_(term << 40), overdue_(shared, partition) {}

/// Whether anything is stored of the run.
bool partition_core::known(const run_id& run) const {
  const auto from = key_builder(partition_).id(run.id).take();
  bool found = false;
  const auto fine = shared_.rows.scan(table::events, from, prefix_end(from),
                                      [&](std::string_view, std::string_view) {
                                        found = true;
                                        return false;
                                      });
  return found || !fine;
}

partition_core::live_run& partition_core::live(const run_id& run, bool fresh) {
  const auto [at, made] = live_.try_emplace(run);
  if (made) {
    at->second.actor = shared_.spawn_run({partition_, run, term_, fresh});
    shared_.metrics.runs_live.add();
  }
  return at->second;
}

void partition_core::on(command_run& m) {
  if (!live_.contains(m.run) && !known(m.run))
    return m.answer(unknown_run());
  forward(m.run, std::move(m));
}

void partition_core::on(ask_run& m) {
  if (!live_.contains(m.run)) {
    if (!known(m.run))
      return std::visit([](auto& q) { q.answer(unknown_run()); }, m.what);
    return answer_from_store(shared_, partition_, m.run, m.what);
  }
  forward(m.run, std::move(m));
}

void partition_core::on(watch_run& m) {
  if (live_.contains(m.run)) {
    forward(m.run, std::move(m));
  } else if (m.who) {
    if (known(m.run) && !given_up(shared_, m.run))
      forward(m.run, std::move(m));
    else
      m.who->on_end(m.run);
  }
}

void partition_core::on(const run_idle& m) {
  const auto at = live_.find(m.run);
  if (at == live_.end() || at->second.sent != m.received)
    return; // something is on its way to it: it will ask again
  caf::anon_send(at->second.actor, stop_run{});
  live_.erase(at);
  shared_.metrics.runs_live.sub();
  for (auto& purge : std::exchange(purges_waiting_, {}))
    on(purge);
  if (!m.failed) {
    shared_.metrics.passivated.add();
    crashes_.erase(m.run);
    return;
  }
  if (const auto key = key_of_.find(m.run); key != key_of_.end()) {
    starting_.erase(key->second);
    key_of_.erase(key);
  }
  if (!known(m.run)) {
    crashes_.erase(m.run);
    return release(m.run);
  }
  if (m.crashed && ++crashes_[m.run] >= crashes_max)
    return quarantine(m.run);
  reload_at_.emplace(shared_.clock.elapsed() + reload_after, m.run);
}

void partition_core::propose(proposal what, after_commit then, std::vector<view_change> shown) {
  const auto ticket = ++ticket_;
  proposals_.emplace(ticket, std::move(then));
  what.partition = partition_;
  what.term = term_;
  shared_.log.propose(std::move(what), [shared = shared_.shared_from_this(), self = self_,
                                        partition = partition_, ticket, shown = std::move(shown)](
                                           const result<std::uint64_t>& index) mutable {
    // On the log's thread, in the order of the log: views never skip a change.
    if (index)
      shared->lists.apply(partition, *index, std::move(shown));
    caf::anon_send(self, index
                             ? settled{ticket, *index, nullptr}
                             : settled{ticket, 0, std::make_shared<const failure>(index.error())});
  });
}

void partition_core::on(const settled& m) {
  const auto at = proposals_.find(m.ticket);
  if (at == proposals_.end())
    return;
  const auto then = std::move(at->second);
  proposals_.erase(at);
  then(m);
}

milliseconds partition_core::next_wake() const {
  if (!open_ || closing_)
    return milliseconds(15'000);
  if (!may_act_)
    return look_for_majority_every;
  auto wait = timers_.next_wake();
  if (shared_.services.stopped("scheduler"))
    wait = std::max(wait, milliseconds(service_board::beat));
  const auto now = shared_.clock.elapsed();
  if (!to_recover_.empty())
    wait = milliseconds(1);
  if (!waits_.empty())
    wait = std::min(wait, waits_.begin()->first - now);
  if (!reload_at_.empty())
    wait = std::min(wait, reload_at_.begin()->first - now);
  if (!outbox_.empty())
    wait = std::min(wait, next_resend_ - now);
  wait = std::min(wait, next_look_ - now);
  return std::clamp(wait, milliseconds(0), milliseconds(15'000));
}

} // namespace troupe

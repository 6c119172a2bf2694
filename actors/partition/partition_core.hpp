// What a partition's actor does while it leads: knows who is live, routes, recovers, wakes,
// delivers. Made anew for every leadership, so that nothing of a former one is left in it.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/base/leading.hpp"
#include "actors/base/loading.hpp"
#include "actors/base/run_history.hpp"
#include "actors/partition/overdue_timers.hpp"
#include "actors/partition/timer_window.hpp"

#include <caf/send.hpp>

#include <deque>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace troupe {

class partition_core {
public:
  partition_core(engine_shared& shared, partition_id partition, std::uint64_t term,
                 partition_actor self);
  std::uint64_t term() const noexcept { return term_; }

  // partition_core.cpp: routing
  void on(command_run& m);
  void on(ask_run& m);
  void on(watch_run& m);
  void on(const run_idle& m);
  // starts.cpp: starts, keys, tokens
  void on(start_run& m);
  void on(const run_news& m);
  void on(const run_granted& m);
  // recovery.cpp: opening, timers, ticks
  void on(const open_partition&);
  void on(const timers_armed& m);
  void on(const partition_tick&);
  void on(close_partition& m);
  // leave.cpp
  /// The leadership is over: every run stops, and whoever waits is told. The core only is to be
  /// destroyed then.
  void leave();
  // outbox.cpp
  void on(outbox_added& m);
  void on(deliver& m);
  void on(const delivered& m);
  void on(const settled& m);
  void on(purge_runs& m);

  milliseconds next_wake() const;

private:
  struct live_run {
    run_actor actor;
    std::uint64_t sent = 0;
    std::uint32_t crashes = 0;
  };
  struct pending_start {
    start_run what;
    std::string dedupe_key;
  };
  using outbox_key = std::pair<partition_id, std::string>; ///< target, id
  struct outgoing {
    outbox_message what;
    milliseconds sent{0};
    milliseconds wait{0};                        ///< after `sent`, until it is sent again
    milliseconds back_off{0};                    ///< of the last failure; 0: none
    std::optional<milliseconds> first_sent = {}; ///< or when it was last told that it hangs
  };
  using after_commit = std::function<void(const settled&)>;

  live_run& live(const run_id& run, bool fresh = false);
  template <class Message> void forward(const run_id& run, Message&& m, bool fresh = false);
  bool known(const run_id& run) const;

  result<bool> answer_repeat(start_run& m, const std::string& key);
  void launch(pending_start start, bool queued);
  void join(const run_id& run, promise<started_run> answer, const start_request& what);
  void release(const run_id& run);

  // quarantine.cpp: runs whose actor fails again and again
  void quarantine(const run_id& run);
  bool propose_end(const run_id& run);
  void quarantined(const run_id& run, std::vector<outbox_message>& outbox, const settled& done);
  void recover_some();
  void reload_failed();
  void fire_timers();
  void end_waits();
  void sweep_dedupe();
  // stuck.cpp
  void look_for_stuck();
  void check_runs();
  void check_timers();
  void check_outbox();

  void send_out(outgoing& what);
  /// To the partition that it is for, wherever that is led.
  void post(deliver what);
  bool must_wait(const outbox_message& what) const;
  void resend();
  void read_outbox();
  void retire_delivered();
  void ask_control(const deliver& m, const messages::start_child& what,
                   promise<done_at> answer) const;
  void start_child(const deliver& m, const messages::start_child& what);
  void tell_parent_failed(const messages::start_child& what, const failure& why,
                          promise<done_at> then);
  promise<done_at> acknowledgement(const deliver& m) const;
  void propose(proposal what, after_commit then, std::vector<view_change> shown = {});

  engine_shared& shared_;
  const partition_id partition_;
  const std::uint64_t term_;
  partition_actor self_;
  timer_window timers_;
  bool open_ = false, closing_ = false, left_ = false;
  bool may_act_ = true; ///< at the last tick
  std::unordered_map<run_id, live_run, run_id_hash> live_;
  std::unordered_map<run_id, pending_start, run_id_hash> waiting_for_token_;
  std::map<std::string, run_id> starting_; ///< dedupe key → run whose start is not durable yet
  std::unordered_map<run_id, std::string, run_id_hash> key_of_;
  std::unordered_map<run_id, std::string, run_id_hash> digests_; ///< of bodies, while starting
  std::unordered_map<run_id, std::string, run_id_hash> definitions_of_; ///< stored by this start
  std::unordered_set<run_id, run_id_hash> tokens_;  ///< runs known to the limiter
  std::unordered_set<run_id, run_id_hash> granted_; ///< that had to wait: told to each that loads
  std::set<std::pair<milliseconds, run_id>> waits_; ///< who waits for an end, until when
  std::unordered_map<run_id, std::set<milliseconds>, run_id_hash> waits_of_;
  std::deque<run_id> to_recover_;
  std::vector<purge_runs> purges_waiting_;              ///< for runs to leave memory
  std::set<std::pair<milliseconds, run_id>> reload_at_; ///< failed runs, after a back-off
  std::unordered_map<run_id, std::uint32_t, run_id_hash> crashes_;
  /// Runs whose end is being committed; what comes for them waits, for they have one writer.
  std::unordered_map<run_id, std::vector<std::function<void()>>, run_id_hash> quarantining_;
  std::map<outbox_key, outgoing> outbox_;
  std::vector<outbox_key> delivered_;
  bool retiring_ = false;
  std::set<std::string> definitions_; ///< whose text is stored in this partition
  std::map<std::uint64_t, after_commit> proposals_;
  std::uint64_t ticket_; ///< never one of another leadership
  milliseconds next_resend_{0}, next_sweep_{0}, next_look_{0};
  std::vector<run_id> to_check_; ///< of the look that is under way
  overdue_timers overdue_;
  std::string sweep_from_; ///< where the last sweep of keys was cut off
};

template <class Message> void partition_core::forward(const run_id& run, Message&& m, bool fresh) {
  if (left_)
    return refuse(m, not_open(shared_, partition_));
  if (given_up(shared_, run))
    return refuse(m, execution_unreadable());
  if (const auto ending = quarantining_.find(run); ending != quarantining_.end()) {
    ending->second.push_back(
        [this, run, held = std::forward<Message>(m)]() mutable { forward(run, std::move(held)); });
    return;
  }
  auto& to = live(run, fresh);
  ++to.sent;
  caf::anon_send(to.actor, std::forward<Message>(m));
}

} // namespace troupe

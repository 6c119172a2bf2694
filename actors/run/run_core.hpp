// What one run's actor does: gathers commands, decides them in turns, acts when a turn is durable.
//
//   idle → turn in flight → (committed) effects, answers, events → idle
//                         → (refused)   everybody is told, the run is loaded again
//
// It lives under one leadership of its partition: a log that has another leader refuses its turns,
// and without a majority in sight no effect starts, so that none starts on two nodes.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/base/loading.hpp"
#include "actors/base/run_blobs.hpp"
#include "actors/base/run_history.hpp"
#include "actors/run/run_spans.hpp"
#include "runtime/base/log.hpp"
#include "runtime/engine/decide.hpp"
#include "runtime/engine/history.hpp"

#include <chrono>
#include <map>
#include <memory>
#include <optional>
#include <vector>

namespace troupe {

class run_core {
public:
  run_core(engine_shared& shared, const run_spawn& what, run_actor self);

  /// Before each message of the partition, which counts what it sends.
  void received() noexcept { ++received_; }
  /// After each message: if it loaded the run, that went well; a run that gave up asks to be let
  /// go.
  void handled() {
    loading_.reset();
    if (dead_)
      maybe_idle();
  }

  // Messages of the partition
  void on(begin_run& m);
  void on(join_run& m);
  void on(command_run& m);
  void on(ask_run& m);
  void on(watch_run& m);
  void on(const wait_over& m);
  void on(const check_up& m);
  // Messages of steps and of the log
  void on(step_ended& m);
  void on(const step_live& m);
  void on(const step_alive& m);
  void on(const settled& m);

  /// After an exception: everybody is told, nothing is decided any more.
  void crashed();
  /// Aborts what still runs.
  void stop();
  /// Tells everybody who waits, and aborts what still runs: no effect starts any more.
  void give_up(const failure& why, bool crash);

private:
  struct entry {
    commands::any what;
    promise<done_at> answer;
    std::optional<instant> not_before;
  };
  struct waiter {
    promise<started_run> answer;
    bool until_end = false, repeated = false;
  };
  struct watcher {
    std::uint64_t ticket = 0;
    sequence_number seen = 0;
    std::shared_ptr<subscriber> who;
  };
  struct running_step {
    std::uint32_t attempt = 1;
    step_actor actor;
    std::chrono::steady_clock::time_point since;
    bool probed = false; ///< asked whether it is there, and no answer yet
  };
  using step_key = std::pair<std::string, iteration_path>;
  struct answer_due {
    promise<done_at> answer;
    std::optional<failure> refusal;
  };
  /// What becomes of a turn when it is durable.
  struct flight {
    std::uint64_t ticket = 0;
    std::vector<event> events;
    std::vector<effects::any> owed;
    std::vector<answer_due> answers;
    std::vector<outbox_message> outbox;
    std::chrono::steady_clock::time_point since;
    bool was_terminal = false;
  };

  // run_core.cpp
  bool ready();
  void pump();
  void decide_all(std::vector<entry> batch);
  void propose(decision made, std::vector<answer_due> answers);
  void maybe_idle();
  void remember(const std::vector<event>& turn);
  void tell(log::level at, std::string_view what, std::optional<run_status> status) const;
  partition_actor partition() const { return shared_.partition(partition_); }
  bool may_act() const { return shared_.log.may_act(partition_, term_); }

  // run_effects.cpp
  void perform(const std::vector<effects::any>& owed);
  void run_instant(const effects::run_attempt& what);
  void start_step(const effects::run_attempt& what);
  void abort_ended(const std::vector<event>& turn);
  void arm_timers(const std::vector<effects::any>& owed);
  void count(const std::vector<event>& turn);

  // run_stuck.cpp
  std::string what_hangs();
  void redrive(std::string_view why);

  // run_answers.cpp
  void answer_waiters(bool wait_is_over);
  void answer_question(run_question& q);
  void publish(const std::vector<event>& turn);
  void catch_up(watcher& w);
  void end_watchers();
  void tell_open_reviews(subscriber& who);
  void tell_live(std::string_view kind, const std::shared_ptr<const std::string>& json,
                 const workflow_watchers::list& others);
  result<started_run> started(bool repeated);
  position here() const { return {partition_, index_}; }

  engine_shared& shared_;
  const partition_id partition_;
  const run_id run_;
  const std::uint64_t term_;
  run_actor self_;
  run_blobs blobs_;
  run_record record_;
  std::unique_ptr<loading_mark> loading_; ///< until the message that loads the run is handled
  bool dead_ = false, loaded_ = false, needs_news_ = false;
  bool fresh_ = false, crash_ = false;
  std::uint64_t received_ = 0, idle_at_ = 0, ticket_ = 0;
  std::uint64_t index_ = 0; ///< of the last entry that carried a turn of this run
  std::vector<row_change> with_;
  std::shared_ptr<void> place_;      ///< among the partition's queued starts
  byte_claim claim_;                 ///< what a run in memory counts as
  std::unique_ptr<run_spans> spans_; ///< only where spans are exported
  std::vector<entry> inbox_;
  std::optional<flight> flight_;
  std::vector<waiter> waiters_;
  /// Kept while somebody waits for the end of a short run, so that its answer needs no reading.
  std::optional<run_history> history_;
  std::vector<run_question> questions_;
  std::vector<watcher> watchers_;
  std::shared_ptr<const std::string> progress_; ///< the last word of a step about it
  std::map<step_key, running_step> steps_;
  sequence_number checked_seq_ = 0; ///< at the last check_up …
  milliseconds checked_at_{0};      ///< … that found it changed
};

} // namespace troupe

// Every message between the actors of one node. Messages never leave the process: payloads are
// plain structs, moved where the receiver is their only owner.
#pragma once

#include "actors/api/promise.hpp"
#include "actors/api/skill.hpp"
#include "persistence/store/store.hpp"
#include "runtime/engine/messages.hpp"

#include <caf/allowed_unsafe_message_type.hpp>

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

namespace troupe {

// Questions about a run: the answer comes from committed state only.
struct ask_execution {
  promise<execution_text> answer;
};
struct ask_events {
  sequence_number after = 0;
  std::uint32_t limit = 100;
  promise<event_page> answer;
};
struct ask_report {
  std::string what;
  promise<json::value> answer;
};
struct ask_replay {
  bool redecide = false;
  promise<json::value> answer;
};
using run_question = std::variant<ask_execution, ask_events, ask_report, ask_replay>;

/// The outcome of a proposal, as actors get it.
struct settled {
  std::uint64_t ticket = 0; ///< which proposal
  std::uint64_t index = 0;  ///< entry of the partition's log; 0: it failed
  std::shared_ptr<const failure> why;
};

// To a partition

/// A start; the engine has made the id and resolved the workflow.
struct start_run {
  run_id run{};
  start_request what;
  workflow_ptr workflow;
  promise<started_run> answer;
  std::optional<parent_link> parent; ///< of a sub-workflow
  std::uint32_t depth = 0;
  std::vector<events::reused_output> reused;
  std::shared_ptr<void> place; ///< among the partition's queued starts; given back at the commit
};
struct command_run {
  run_id run{};
  commands::any what;
  promise<done_at> answer;           ///< may be empty
  std::optional<instant> not_before; ///< the instant of the decision is at least this one
};
struct ask_run {
  run_id run{};
  run_question what;
};
/// Begins (or, without a subscriber, ends) a subscription.
struct watch_run {
  run_id run{};
  std::uint64_t ticket = 0;
  sequence_number since = 0;
  std::shared_ptr<subscriber> who;
};
struct purge_runs {
  std::vector<run_id> runs;
  promise<done_at> answer;
};
// From runs. `term` is that of the leadership under which the run was loaded: a partition that is
// led under another one since drops them.

/// Nothing keeps it in memory. `received` counts what the partition sent to it.
struct run_idle {
  run_id run{};
  std::uint64_t term = 0;
  std::uint64_t received = 0;
  bool failed = false;  ///< it must be loaded again
  bool crashed = false; ///< … because of a bug
  bool terminal = false;
};
/// Timers it has committed.
struct timer_armed {
  std::uint64_t timer = 0;
  instant due{};
  bool relative = false; ///< a wait of some length, not until a point of the calendar
};
struct timers_armed {
  run_id run{};
  std::uint64_t term = 0;
  std::vector<timer_armed> timers;
};
/// What became of it, for tokens and dedupe.
struct run_news {
  run_id run{};
  std::uint64_t term = 0;
  bool began = false, ended = false;
};
/// Messages to other runs, committed and to be delivered.
struct outbox_added {
  std::uint64_t term = 0;
  std::vector<outbox_message> messages;
};

/// From the limiter: the run has its token now.
struct run_granted {
  run_id run{};
  std::uint64_t term = 0; ///< of the leadership that asked
  bool at_once = false;   ///< the answer to the request; otherwise it had to wait
  bool queued = false;    ///< the answer to the request: it waits
};
/// Between partitions. Values are inline: a blob of the sender was loaded.
struct deliver {
  partition_id from{};
  outbox_message what;
  promise<done_at> answer; ///< empty: the sender's partition is led here, and told by `delivered`
  bool surely_unknown = false; ///< a workflow that is not known here is not known to control either
};
struct delivered {
  partition_id target{};
  std::string id;
  bool failed = false; ///< it had no effect yet: to be tried again soon
};
struct partition_tick {
  bool probe = false; ///< asks whether the partition is at work, between its own ticks
};
/// This node leads the partition under that term: its work begins (recovery, timers, outbox).
struct open_partition {
  std::uint64_t term = 0;
};
/// This node does not lead the partition any more: nothing of it goes on here.
struct leave_partition {};
/// No new starts; every run stops where it is.
struct close_partition {
  promise<done_at> answer;
};

// To a run

struct begin_run {
  commands::start what;
  promise<started_run> answer;
  bool wait = false;            ///< answer when the run has ended
  std::vector<row_change> with; ///< rows of the partition that belong to the start
  std::shared_ptr<void> place;
  std::size_t bytes = 0; ///< of the request
};
/// Another start with the same key: answered like the first one.
struct join_run {
  promise<started_run> answer;
  bool wait = false;
};
/// Who waited for the end has waited long enough.
struct wait_over {
  run_id run{};
};
struct step_ended {
  place at;
  std::uint32_t attempt = 1;
  attempt_outcome outcome;
  bool begun = true; ///< false: its leadership was not sure any more, and nothing was done
};
/// What is never an event, from a step.
struct step_live {
  std::string kind;
  std::shared_ptr<const std::string> json;
};
/// From the partition: it has let go of the run.
struct stop_run {
  std::shared_ptr<const failure> why; ///< for who still waits for it; may be empty
};
/// From the partition, now and then: does anything of the run hang?
struct check_up {};
/// From a step that was asked whether it is there.
struct step_alive {
  place at;
  std::uint32_t attempt = 1;
};

// To a step

struct run_step {
  skill_task task;
  std::uint64_t term = 0; ///< of the leadership that owes it
};
struct abort_step {};
struct probe_step {};
struct step_outcome {
  attempt_outcome outcome;
};

// To control, limiter and workers

struct token_wanted {
  run_id run{};
  std::string workflow, priority;
  std::uint32_t workflow_max = 0;
  bool held = false;      ///< it runs already: counted without asking
  std::uint64_t term = 0; ///< of the leadership that asks
};
struct token_free {
  run_id run{};
  std::uint64_t term = 0;
};
/// A partition opens: all that holds or wants a token there. Or it is left, and they go with it.
struct token_claims {
  partition_id partition{};
  std::uint64_t term = 0;
  bool left = false;
  std::vector<token_wanted> claims;
};
/// From a limiter of this or another node (actors/limits/token_wire).
struct token_mail {
  std::uint64_t from = 0;
  std::string bytes;
  promise<std::string> answer;
};
/// What a limiter answered.
struct token_settled {
  partition_id partition{};
  std::uint64_t term = 0, bank = 0, number = 0;
  bool grants = false; ///< to what it was granted; otherwise to a report
  std::vector<run_id> runs;
  std::shared_ptr<const failure> why; ///< empty: it was taken
};
/// Something may be due, or control is led by another node.
struct token_tick {};
struct save_workflow_request {
  std::string id;
  json::value definition;
  bool draft = false;
  std::optional<std::uint32_t> if_version;
  promise<workflow_ptr> answer;
};
struct activate_workflow_request {
  std::string id;
  std::uint32_t version = 0;
  promise<workflow_ptr> answer;
};
struct delete_workflow_request {
  std::string id;
  promise<done_at> answer;
};
struct write_document_request {
  document_write what;
  promise<done_at> answer;
};
struct control_tick {};
struct worker_task {
  std::uint64_t ticket = 0; ///< of the caller, to abort it
  skill_task task;
  skill_done done;
  skill_live live;
};
struct worker_task_dropped {
  std::uint64_t ticket = 0;
};
/// From another node: a task for the workers that are known here, or the end of one.
struct task_mail {
  std::uint64_t from = 0;
  std::string bytes;
  promise<std::string> answer;
};
/// What the node that was asked to run a task answered.
struct task_settled {
  std::uint64_t ticket = 0, number = 0;
  std::shared_ptr<const result<std::string>> answer;
};
/// POST /skill-providers and the rest of the protocol.
struct worker_call {
  enum class verb : std::uint8_t { enroll, dismiss, poll, message, results } what = verb::poll;
  std::string worker, task, word;
  json::value body;
  promise<json::value> answer;
};

} // namespace troupe

CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::start_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::command_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::ask_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::watch_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::purge_runs)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::run_idle)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::timers_armed)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::run_news)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::run_granted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::outbox_added)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::deliver)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::delivered)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::partition_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::open_partition)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::leave_partition)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::close_partition)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::begin_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::join_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::wait_over)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::step_ended)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::step_live)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::stop_run)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::check_up)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::step_alive)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::probe_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::run_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::abort_step)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::step_outcome)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::token_wanted)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::token_free)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::token_claims)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::token_mail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::token_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::token_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::save_workflow_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::activate_workflow_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::delete_workflow_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::write_document_request)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::control_tick)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::worker_task)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::worker_task_dropped)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::task_mail)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::task_settled)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(troupe::worker_call)

// Every typed handle: who understands what.
#pragma once

#include "actors/api/messages.hpp"

#include <caf/typed_actor.hpp>

namespace troupe {

/// One active run: its state, its turns, its subscribers.
using run_actor =
    caf::typed_actor<caf::reacts_to<begin_run>, caf::reacts_to<join_run>,
                     caf::reacts_to<command_run>, caf::reacts_to<ask_run>,
                     caf::reacts_to<watch_run>, caf::reacts_to<settled>, caf::reacts_to<step_ended>,
                     caf::reacts_to<step_live>, caf::reacts_to<wait_over>, caf::reacts_to<check_up>,
                     caf::reacts_to<step_alive>, caf::reacts_to<stop_run>>;

/// One running io attempt.
using step_actor = caf::typed_actor<caf::reacts_to<run_step>, caf::reacts_to<abort_step>,
                                    caf::reacts_to<probe_step>, caf::reacts_to<step_outcome>>;

/// One content partition: who is live, timers, outbox, dedupe.
using partition_actor = caf::typed_actor<
    caf::reacts_to<start_run>, caf::reacts_to<command_run>, caf::reacts_to<ask_run>,
    caf::reacts_to<watch_run>, caf::reacts_to<purge_runs>, caf::reacts_to<run_idle>,
    caf::reacts_to<timers_armed>, caf::reacts_to<run_news>, caf::reacts_to<run_granted>,
    caf::reacts_to<outbox_added>, caf::reacts_to<deliver>, caf::reacts_to<delivered>,
    caf::reacts_to<settled>, caf::reacts_to<partition_tick>, caf::reacts_to<open_partition>,
    caf::reacts_to<leave_partition>, caf::reacts_to<close_partition>>;

/// Tokens for running executions: of the whole node, or of the whole cluster.
using limiter_actor = caf::typed_actor<caf::reacts_to<token_wanted>, caf::reacts_to<token_free>,
                                       caf::reacts_to<token_claims>, caf::reacts_to<token_mail>,
                                       caf::reacts_to<token_settled>, caf::reacts_to<token_tick>>;

/// Partition 0: workflows and documents.
using control_actor = caf::typed_actor<
    caf::reacts_to<save_workflow_request>, caf::reacts_to<activate_workflow_request>,
    caf::reacts_to<delete_workflow_request>, caf::reacts_to<write_document_request>,
    caf::reacts_to<settled>, caf::reacts_to<control_tick>, caf::reacts_to<open_partition>,
    caf::reacts_to<leave_partition>>;

/// External workers: registrations, queues, leases.
using workers_actor =
    caf::typed_actor<caf::reacts_to<worker_task>, caf::reacts_to<worker_task_dropped>,
                     caf::reacts_to<worker_call>, caf::reacts_to<task_mail>,
                     caf::reacts_to<task_settled>, caf::reacts_to<control_tick>>;

} // namespace troupe

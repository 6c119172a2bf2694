// A run whose actor fails again and again ends, by an event like any other, so that a restart knows
// it and people can retry it. The actor cannot decide that any more: the partition does, from what
// is stored, while nobody else may write for the run.
#include "actors/partition/partition_core.hpp"

#include "actors/base/handlers.hpp"
#include "actors/base/run_blobs.hpp"
#include "runtime/base/log.hpp"
#include "runtime/engine/decide.hpp"

namespace troupe {

void partition_core::quarantine(const run_id& run) {
  bool possible = false;
  guarded(
      "partition", [&] { possible = propose_end(run); }, [&] { shared_.metrics.crashes.add(); });
  if (possible)
    return;
  // Not even its state can be read: it is left alone until somebody or the next start asks for it.
  quarantining_.erase(run);
  shared_.stuck.note(run, "execution_unreadable",
                     "the execution's actor failed three times and its end cannot be recorded",
                     shared_.clock.elapsed());
  log::error("partition", "execution left alone: its actor failed three times",
             {{"execution_id", std::string_view(to_text(run))}});
}

/// False: its end cannot be recorded. A run that has ended needs none.
bool partition_core::propose_end(const run_id& run) {
  run_blobs blobs(shared_, partition_, run);
  auto found = load_run(shared_, partition_, run);
  if (!found)
    return false;
  if (terminal(found->state.status)) {
    crashes_.erase(run);
    return true;
  }
  const decide_context context{.now = shared_.clock.now(),
                               .blobs = blobs,
                               .limits = {},
                               .partitions = shared_.settings.partitions,
                               .interruptions_max = shared_.settings.interruptions_max,
                               .default_run_timeout = shared_.settings.run_timeout};
  const commands::any end =
      commands::quarantine{"The execution's actor failed three times in a row."};
  const auto made = decide(*found->plan, found->state, {&end, 1}, context);
  if (made.events.empty())
    return false;
  auto rows = turn_rows_of(shared_.settings, partition_, *found, made.events, blobs);
  proposal what;
  what.facts = std::move(rows.facts);
  what.derived = std::move(rows.derived);
  what.changed = to_text(run);
  quarantining_.try_emplace(run);
  propose(
      std::move(what),
      [this, run, outbox = std::move(rows.outbox)](const settled& done) mutable {
        quarantined(run, outbox, done);
      },
      std::move(rows.views));
  return true;
}

void partition_core::quarantined(const run_id& run, std::vector<outbox_message>& outbox,
                                 const settled& done) {
  auto waiting = quarantining_.extract(run);
  if (done.index == 0) {
    // The disk is full, say: the run is loaded, fails and comes here again.
    reload_at_.emplace(shared_.clock.elapsed() + milliseconds(1'000), run);
  } else {
    crashes_.erase(run);
    shared_.metrics.quarantined.add();
    shared_.metrics.runs_ended[static_cast<std::size_t>(run_status::failed)].add();
    log::error("partition", "execution quarantined: its actor failed three times",
               {{"execution_id", std::string_view(to_text(run))}});
    if (!outbox.empty()) {
      outbox_added news{term_, std::move(outbox)};
      on(news);
    }
    release(run);
  }
  if (waiting)
    for (auto& each : waiting.mapped())
      each();
}

} // namespace troupe

// Removing runs for good: their rows, and the large values that nobody else refers to.
#include "actors/partition/partition_core.hpp"

#include "actors/base/run_blobs.hpp"

#include <caf/send.hpp>

#include <map>

namespace troupe {

namespace {

void drop_range(proposal& what, table in, std::string prefix) {
  auto end = prefix_end(prefix);
  what.facts.push_back({in, std::move(prefix), std::nullopt, std::move(end)});
}

using references = std::map<std::string, blob_id, std::less<>>; ///< by their rows' keys

void find_references(partition_id partition, const run_id& run, const std::vector<event>& turn,
                     references& found) {
  std::vector<blob_id> named;
  blobs_of(turn, named);
  for (const auto& id : named)
    found.emplace(blob_ref_key(partition, id, run), id);
}

/// The references, and the blobs that nobody else refers to. Pins must be held.
void drop_blobs(engine_shared& shared, partition_id partition, const references& gone,
                proposal& what) {
  for (const auto& [own, id] : gone) {
    const auto prefix = blob_key(partition, id);
    bool others = shared.pins.pinned(prefix);
    const auto read = shared.rows.scan(table::blob_refs, prefix, prefix_end(prefix),
                                       [&](std::string_view key, std::string_view) {
                                         others = others || !gone.contains(key);
                                         return !others;
                                       });
    what.facts.push_back({table::blob_refs, own, std::nullopt, {}});
    if (read && !others)
      what.facts.push_back({table::blobs, prefix, std::nullopt, {}});
  }
}

} // namespace

void partition_core::on(purge_runs& m) {
  // A run that has just ended is still in memory: it leaves in a moment.
  for (const auto& run : m.runs)
    if (live_.contains(run)) {
      if (const auto found = load_run(shared_, partition_, run);
          found && terminal(found->state.status))
        return purges_waiting_.push_back(std::move(m));
    }
  proposal what;
  std::vector<view_change> gone;
  references dropped;
  json::array purged;
  for (const auto& run : m.runs) {
    const auto found = load_run(shared_, partition_, run);
    const bool damaged = !found && found.error().kind != failure_kind::not_found;
    if (given_up(shared_, run)) { // its values cannot be found without reading it
      if (m.runs.size() == 1)
        return m.answer(execution_unreadable());
      continue;
    }
    if (live_.contains(run) || (found && !terminal(found->state.status))) {
      if (m.runs.size() == 1)
        return m.answer(failure{failure_kind::conflict,
                                "execution_running",
                                "an execution that has not ended cannot be removed",
                                "cancel it first",
                                {}});
      continue;
    }
    if (!found && !damaged) {
      if (m.runs.size() == 1)
        return m.answer(found.error());
      continue;
    }
    const auto prefix = key_builder(partition_).id(run.id).take();
    const auto read = shared_.rows.scan(table::events, prefix, prefix_end(prefix),
                                        [&](std::string_view, std::string_view value) {
                                          if (const auto turn = decode_turn(value))
                                            if (const auto events = decode_events(turn->text))
                                              find_references(partition_, run, *events, dropped);
                                          return true;
                                        });
    if (!read)
      return m.answer(read.error());
    drop_range(what, table::events, prefix);
    drop_range(what, table::outputs, prefix);
    what.facts.push_back({table::state, prefix, std::nullopt, {}});
    what.facts.push_back({table::blobs, large_snapshot_key(partition_, run), std::nullopt, {}});
    for (const bool owing : {false, true})
      what.facts.push_back({table::active, active_key(partition_, owing, run), std::nullopt, {}});
    what.changed += to_text(run) + "\n";
    gone.push_back(execution_gone{run});
    purged.push_back(json::value(json::string(to_text(run))));
  }
  if (purged.empty())
    return m.answer(
        done_at{{partition_, shared_.log.applied(partition_)}, json::object{{"purged", 0}}});
  const auto held = shared_.pins.hold();
  drop_blobs(shared_, partition_, dropped, what);
  propose(
      std::move(what),
      [this, answer = m.answer, count = purged.size()](const settled& done) {
        if (done.index == 0)
          return answer(*done.why);
        answer(done_at{{partition_, done.index}, json::object{{"purged", count}}});
      },
      std::move(gone));
}

} // namespace troupe

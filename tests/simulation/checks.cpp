#include "tests/simulation/checks.hpp"

#include "actors/base/run_history.hpp"
#include "runtime/base/hash.hpp"

namespace troupe::test {

std::string to_text(const place& at) {
  return at.node + "/" + troupe::to_text(at.iteration);
}

void checks::led(std::uint64_t node, partition_id partition, std::uint64_t term) {
  const auto [at, fresh] = leaders_.try_emplace({partition, term}, node);
  if (!fresh && at->second != node)
    stage_.broke("two leaders in one term");
}

void checks::started(std::uint64_t node, std::uint64_t term, const skill_task& what) {
  const auto partition = partition_of(what.run);
  const auto where = troupe::to_text(what.run) + "/" + to_text(what.at);
  ++stage_.done.effects;
  const auto [owner, fresh] = owners_.try_emplace({partition, term}, node);
  if (!fresh && owner->second != node)
    stage_.broke("two nodes start effects in one term: " + where);
  for (const auto& [key, leader] : leaders_)
    if (key.first == partition && key.second > term)
      stage_.broke("an effect starts in a term that is over: " + where);
  if (!started_.insert(where + "/" + std::to_string(what.attempt)).second)
    stage_.broke("an attempt starts twice: " + where);
  const auto run = runs_.find(what.run);
  if (run == runs_.end())
    stage_.broke("an effect starts before its run is committed: " + where);
  else if (run->second.completed.contains(to_text(what.at)))
    stage_.broke("a finished step is executed again: " + where);
}

void checks::timer_over(const run_id& id, seen_run& run, std::uint64_t timer) {
  if (!run.timers_over.insert(timer).second)
    stage_.broke("a timer is over twice: " + troupe::to_text(id));
}

void checks::take(const run_id& id, seen_run& run, const events::execution_finished& e) {
  if (run.ended)
    stage_.broke("a run ends twice: " + troupe::to_text(id));
  run.ended = true;
  ++ended_;
  run.error = e.error ? e.error->code : std::string();
  run.signals.clear();
  run.reviews.clear();
}

void checks::take(const run_id& id, seen_run& run, const event& e) {
  if (const auto* done = std::get_if<events::node_completed>(&e.what)) {
    run.signals.erase(to_text(done->at));
    if (!run.completed.insert(to_text(done->at)).second)
      stage_.broke("a step completes twice: " + troupe::to_text(id) + " " + to_text(done->at));
  } else if (const auto* child_end = std::get_if<events::child_finished>(&e.what)) {
    if (child_end->error && child_end->error->code == "workflow_not_found")
      stage_.broke("a stored workflow is not found: " + troupe::to_text(id));
  } else if (const auto* fired = std::get_if<events::timer_fired>(&e.what)) {
    ++stage_.done.timers;
    timer_over(id, run, fired->timer);
    if (e.time < fired->due)
      stage_.broke("a timer fires early: " + troupe::to_text(id));
  } else if (const auto* off = std::get_if<events::timer_cancelled>(&e.what)) {
    timer_over(id, run, off->timer);
  } else if (const auto* wait = std::get_if<events::node_waiting>(&e.what)) {
    if (wait->wait == wait_kind::signal)
      run.signals[to_text(wait->at)] = wait->name;
  } else if (const auto* opened = std::get_if<events::review_opened>(&e.what)) {
    run.reviews.insert(opened->review);
  } else if (const auto* decided = std::get_if<events::review_decided>(&e.what)) {
    run.reviews.erase(decided->review);
  } else if (const auto* signal = std::get_if<events::signal_received>(&e.what)) {
    if (!signal->message_id.empty() && !run.messages.insert(signal->message_id).second)
      stage_.broke("a signal is taken twice: " + troupe::to_text(id));
  } else if (const auto* child = std::get_if<events::child_started>(&e.what)) {
    run.children.insert(child->child);
  } else if (std::holds_alternative<events::attempt_interrupted>(e.what)) {
    ++stage_.done.interrupted;
  } else if (const auto* end = std::get_if<events::execution_finished>(&e.what)) {
    take(id, run, *end);
  }
}

/// A turn of a run, as a row: new, or the one that another node has written before.
void checks::turn(const row_change& row) {
  key_reader key(row.key);
  std::uint16_t partition = 0;
  run_id id;
  sequence_number first = 0;
  if (!key.u16(partition) || !key.id(id.id) || !key.u64(first))
    return stage_.broke("a turn cannot be read");
  if (partition_id{partition} != partition_of(id))
    return; // it waits for the rest of a state that is being fetched
  const auto hash = hash64(*row.value);
  const auto [at, fresh] = turns_.try_emplace(row.key, hash);
  if (!fresh) {
    if (at->second != hash)
      stage_.broke("two turns with one number");
    return;
  }
  const auto read = decode_turn(*row.value);
  const auto events = read ? decode_events(read->text) : read.error();
  if (!events || !verify_turn(*read, &audit_digest))
    return stage_.broke("the events of a turn cannot be read");
  auto& run = runs_[id];
  stage_.done.runs = runs_.size();
  if (first != run.last + 1 || read->header.previous != run.hash)
    return stage_.broke("a history is not linear: " + troupe::to_text(id));
  for (const auto& e : *events) {
    if (e.seq != ++run.last)
      stage_.broke("a history has a gap: " + troupe::to_text(id));
    take(id, run, e);
  }
  run.hash = read->header.last;
  ++run.turns;
}

/// Where a log is; whoever is there too has the same rows.
void checks::head_of(const sim_disk& disk, const row_change& row) {
  key_reader key(row.key);
  std::uint16_t partition = 0;
  const auto read = log_head_from(*row.value);
  if (!read || !key.u16(partition))
    return;
  const auto digest = disk.digest(partition_id{partition});
  const auto [at, fresh] = heads_.try_emplace({partition, read->applied}, head{*read, digest, {}});
  stage_.done.entries += fresh;
  if (at->second.log.audit != read->audit)
    stage_.broke("logs differ at entry " + std::to_string(read->applied) + " of partition " +
                 std::to_string(partition));
  else if (at->second.digest != digest)
    stage_.broke("stores differ at entry " + std::to_string(read->applied) + " of partition " +
                 std::to_string(partition));
}

void checks::wrote(const sim_disk& disk, const std::vector<row_change>& rows) {
  std::uint64_t sum = rows.size();
  for (const auto& row : rows) {
    sum = sum * 31 + row.key.size() + (row.value ? row.value->size() : 0);
    if (row.in == table::events && row.value && !row.range_end)
      turn(row);
  }
  // Where the log of a node stands: its rows are whole in this write.
  for (const auto& row : rows)
    if (row.in == table::log_meta && row.value) {
      key_reader key(row.key);
      std::uint16_t partition = 0;
      if (key.u16(partition) && row.key == log_head_key(partition_id{partition}))
        head_of(disk, row);
    }
  stage_.trace(sum);
}

} // namespace troupe::test

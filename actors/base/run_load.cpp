// From rows to a run, and to its events.
#include "actors/base/run_history.hpp"

#include "actors/base/loading.hpp"
#include "runtime/engine/decide.hpp"
#include "runtime/engine/report.hpp"
#include "runtime/engine/snapshot.hpp"

namespace troupe {

namespace {

failure not_found() {
  return {failure_kind::not_found, "execution_not_found", "there is no such execution", {}, {}};
}

std::string turn_key(partition_id partition, const run_id& run, sequence_number seq) {
  return key_builder(partition).id(run.id).u64(seq).take();
}

failure damaged(const run_id& run, const failure& why) {
  return {failure_kind::internal,
          why.code,
          "the history of execution " + to_text(run) + " is damaged: " + why.message,
          "run `troupe log verify`",
          {}};
}

/// The kind stands third in every line, before any text of a user.
std::string_view kind_in(std::string_view line) {
  constexpr std::string_view mark = "\"kind\":\"";
  const auto from = line.find(mark);
  if (from == std::string_view::npos)
    return {};
  line.remove_prefix(from + mark.size());
  return line.substr(0, line.find('"'));
}

result<plan_ptr> plan_for(const engine_shared& shared, partition_id partition,
                          const events::execution_started& start) {
  return shared.workflows->plan_of(partition, start.workflow_id, start.workflow_version,
                                   start.definition);
}

result<void> fold(const engine_shared& shared, partition_id partition, run_record& into,
                  std::string_view row) {
  const auto turn = decode_turn(row);
  if (!turn)
    return turn.error();
  if (auto whole = verify_turn(*turn, audit_digest); !whole)
    return whole;
  auto events = decode_events(turn->text);
  if (!events)
    return events.error();
  if (!into.plan && !events->empty())
    if (const auto* start = std::get_if<events::execution_started>(&events->front().what)) {
      auto plan = plan_for(shared, partition, *start);
      if (!plan)
        return plan.error();
      into.plan = std::move(*plan);
    }
  if (!into.plan)
    return failure{
        failure_kind::internal, "history_incomplete", "its first event is missing", {}, {}};
  for (const auto& e : *events) {
    if (e.seq != into.state.seq + 1)
      return failure{failure_kind::internal,
                     "history_gap",
                     "event " + std::to_string(into.state.seq + 1) + " is missing",
                     {},
                     {}};
    evolve(*into.plan, into.state, e);
  }
  follow(into.rows, into.state, *events, turn->header.last);
  return {};
}

} // namespace

result<run_record> load_run(const engine_shared& shared, partition_id partition,
                            const run_id& run) {
  const auto mark = begin_loading(shared, run, loading_work::read);
  return mark ? fold_run(shared, partition, run) : mark.error();
}

result<run_record> fold_run(const engine_shared& shared, partition_id partition,
                            const run_id& run) {
  run_record out;
  out.state.id = run;
  auto row = shared.rows.get(table::state, key_builder(partition).id(run.id).take());
  if (row && *row == large_snapshot)
    row = shared.rows.get(table::blobs, large_snapshot_key(partition, run));
  if (!row)
    return row.error();
  if (*row)
    if (auto found = decode_snapshot(**row)) {
      auto plan = plan_for(shared, partition, found->state.start);
      if (!plan)
        return plan.error();
      out = {std::move(found->state), std::move(*plan), std::move(found->so_far), 0};
      out.state.id = run;
      out.snapshot_seq = out.state.seq;
      out.snapshot_bytes = (*row)->size();
    }
  result<void> folded;
  const auto prefix = key_builder(partition).id(run.id).take();
  const auto scanned =
      shared.rows.scan(table::events, turn_key(partition, run, out.state.seq + 1),
                       prefix_end(prefix), [&](std::string_view, std::string_view value) {
                         folded = fold(shared, partition, out, value);
                         return folded.has_value();
                       });
  if (!scanned)
    return scanned.error();
  if (!folded)
    return damaged(run, folded.error());
  if (out.state.seq == 0)
    return not_found();
  return out;
}

std::string stored_event::json() const {
  const auto events = decode_events(line);
  if (events && events->size() == 1)
    return event_json(events->front(), hash);
  return "null";
}

result<void> each_turn(const engine_shared& shared, partition_id partition, const run_id& run,
                       const std::function<bool(std::vector<event>)>& each) {
  const auto prefix = key_builder(partition).id(run.id).take();
  result<void> read;
  const auto scanned = shared.rows.scan(
      table::events, prefix, prefix_end(prefix), [&](std::string_view, std::string_view value) {
        const auto turn = decode_turn(value);
        auto events = turn ? decode_events(turn->text) : result<std::vector<event>>(turn.error());
        if (!events) {
          read = damaged(run, events.error());
          return false;
        }
        return each(std::move(*events));
      });
  return scanned ? read : scanned;
}

result<std::vector<events::reused_output>> outputs_of(engine_shared& shared, const run_id& run) {
  const auto partition = partition_of(run);
  if (number(partition) == 0 || number(partition) >= shared.partitions.size())
    return not_found();
  run_blobs blobs(shared, partition, run);
  const auto found = load_run(shared, partition, run);
  if (!found)
    return found.error();
  std::vector<events::reused_output> out;
  const auto root = found->state.scopes.find(scope_key{});
  if (root == found->state.scopes.end())
    return out;
  for (std::size_t i = 0; i < root->second.slots.size(); ++i) {
    const auto& slot = root->second.slots[i];
    if (slot.status != step_status::success)
      continue;
    events::reused_output one{found->plan->nodes[found->plan->regions[0].nodes[i]].id, {}};
    for (const auto& port : slot.ports) {
      auto v = port.value.get(blobs);
      if (!v)
        return v.error();
      one.ports.push_back({port.port, value_ref(std::move(*v))});
    }
    out.push_back(std::move(one));
  }
  return out;
}

result<void> each_event(const engine_shared& shared, partition_id partition, const run_id& run,
                        sequence_number after,
                        const std::function<bool(const stored_event&)>& each) {
  // The turn that holds `after` + 1 may begin before it.
  const auto prefix = key_builder(partition).id(run.id).take();
  std::string from = turn_key(partition, run, after + 1);
  const auto before = shared.rows.scan(
      table::events, prefix, from + '\0',
      [&](std::string_view key, std::string_view) {
        from = key;
        return false;
      },
      true);
  if (!before)
    return before;
  bool go_on = true;
  result<void> read;
  const auto scanned = shared.rows.scan(
      table::events, from, prefix_end(prefix), [&](std::string_view key, std::string_view value) {
        const auto turn = decode_turn(value);
        key_reader reader(key.substr(prefix.size()));
        std::uint64_t seq = 0;
        if (!turn || !reader.u64(seq)) {
          read = damaged(run, turn ? failure{} : turn.error());
          return false;
        }
        each_line(*turn, audit_digest, [&](std::string_view line, const chain_hash& hash) {
          if (seq > after && go_on)
            go_on = each({seq, kind_in(line), line, hash});
          ++seq;
        });
        return go_on;
      });
  return scanned ? read : scanned;
}

} // namespace troupe

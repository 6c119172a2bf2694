// From a turn to rows.
#include "actors/base/run_history.hpp"

#include "actors/base/loading.hpp"
#include "persistence/store/digest.hpp"
#include "runtime/engine/decide.hpp"
#include "runtime/engine/replay.hpp"
#include "runtime/engine/snapshot.hpp"

#include <algorithm>
#include <charconv>
#include <map>

namespace troupe {

namespace {

// A snapshot is worth its bytes when so many events came since the last one; the more of them, the
// larger that was, so that what is written for snapshots stays in proportion to the events.
constexpr sequence_number snapshot_every = 512;
constexpr sequence_number snapshot_at_rest = 64; ///< when the run goes to sleep or ends
constexpr std::size_t snapshot_bytes_an_event = 1'024;

std::optional<std::int64_t> millis(const std::optional<instant>& at) {
  return at ? std::optional(to_millis(*at)) : std::nullopt;
}

execution_row list_row(const execution_summary& s) {
  execution_row row;
  row.id = s.id;
  row.workflow_id = s.workflow_id;
  row.workflow_name = s.workflow_name;
  row.workflow_version = s.workflow_version;
  row.status = to_text(s.status);
  row.trigger_type = s.trigger_type;
  row.triggered_by = s.triggered_by;
  row.priority = s.priority;
  row.user = s.user;
  if (s.parent)
    row.parent_id = to_text(*s.parent);
  row.created_ms = to_millis(s.created);
  row.started_ms = millis(s.started);
  row.completed_ms = millis(s.ended);
  row.error_code = s.error_code;
  row.error_message = s.error_message;
  row.last_seq = s.last_seq;
  row.attempt = s.attempt;
  return row;
}

review_row list_row(review_summary&& s) {
  review_row row;
  row.id = std::move(s.id);
  row.execution = s.execution;
  row.workflow_id = std::move(s.workflow_id);
  row.node = std::move(s.node);
  row.kind = std::move(s.kind);
  row.title = std::move(s.title);
  row.priority = std::move(s.priority);
  row.status = s.status;
  row.body = std::move(s.body);
  row.created_ms = to_millis(s.created);
  row.due_ms = millis(s.due);
  row.decided_ms = millis(s.decided);
  return row;
}

/// "<priority>\n<max>\n<queued>\n<workflow>"; empty for runs that need no token.
std::string token_row(const engine_settings& settings, const run_record& run) {
  const auto token = token_of(settings, run);
  if (!token)
    return {};
  return token->priority + '\n' + std::to_string(token->workflow_max) + '\n' +
         (run.state.status == run_status::queued ? "q" : "r") + '\n' + token->workflow;
}

void add_snapshot(run_record& run, partition_id partition, turn_rows& out) {
  const auto tail = run.state.seq - run.snapshot_seq;
  const bool rests = !run.rows.owing;
  if (tail <=
      (rests ? snapshot_at_rest : snapshot_every) + run.snapshot_bytes / snapshot_bytes_an_event)
    return;
  auto text = encode_snapshot(run.state, run.rows);
  run.snapshot_seq = run.state.seq;
  run.snapshot_bytes = text.size();
  auto& row = out.derived.emplace_back();
  row.in = table::state;
  row.key = key_builder(partition).id(run.state.id.id).take();
  if (text.size() > snapshot_row_bytes_max) {
    row.value = large_snapshot;
    out.derived.push_back(
        {table::blobs, large_snapshot_key(partition, run.state.id), std::move(text), {}});
  } else {
    row.value = std::move(text);
  }
}

} // namespace

std::string large_snapshot_key(partition_id partition, const run_id& run) {
  return key_builder(partition).id(run.id).raw(std::string(16, '\0')).take();
}

std::string active_key(partition_id partition, bool owing, const run_id& run) {
  return key_builder(partition).u8(owing ? 1 : 0).id(run.id).take();
}

std::string timer_key(partition_id partition, instant due, const run_id& run, std::uint64_t timer) {
  return key_builder(partition)
      .u64(static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_millis(due))))
      .id(run.id)
      .u64(timer)
      .take();
}

std::string outbox_row_key(partition_id partition, const outbox_message& what) {
  return key_builder(partition).u16(number(what.target)).text(what.id).take();
}

chain_hash audit_digest(std::string_view previous, std::string_view bytes) {
  audit_hash before{};
  check(previous.size() == before.size(), "a chain goes on from a hash");
  std::copy(previous.begin(), previous.end(), before.begin());
  return chain(before, bytes);
}

std::optional<token_wanted> token_of(const engine_settings& settings, const run_record& run) {
  const auto most = run.plan->limits.concurrent_executions_max;
  const auto& start = run.state.start;
  if (start.parent || (most == 0 && settings.executions_max == 0))
    return std::nullopt;
  return token_wanted{run.state.id, start.workflow_id, start.priority, most, true, 0};
}

std::optional<token_wanted> token_from_row(const run_id& run, std::string_view value,
                                           bool& queued) {
  std::array<std::string_view, 3> parts;
  for (auto& part : parts) {
    const auto end = value.find('\n');
    if (end == std::string_view::npos)
      return std::nullopt;
    part = value.substr(0, end);
    value.remove_prefix(end + 1);
  }
  token_wanted out{run, std::string(value), std::string(parts[0]), 0, true, 0};
  std::from_chars(parts[1].data(), parts[1].data() + parts[1].size(), out.workflow_max);
  queued = parts[2] == "q";
  return out;
}

namespace {

void add_list_rows(projected& made, std::vector<view_change>& into) {
  if (made.execution)
    into.push_back(list_row(*made.execution));
  for (auto& review : made.reviews)
    into.push_back(list_row(std::move(review)));
}

/// The newest row of each thing: a history has many.
struct newest_rows {
  std::optional<execution_row> execution;
  std::map<std::string, review_row> reviews;

  void take(projected& made) {
    if (made.execution)
      execution = list_row(*made.execution);
    for (auto& review : made.reviews) {
      auto row = list_row(std::move(review));
      reviews.insert_or_assign(row.id, std::move(row));
    }
  }
};

failure damaged_turn(std::string message) {
  return {failure_kind::malformed, "history_malformed", std::move(message), {}, {}};
}

/// A history that somebody edited must not end the process: every event is looked at first.
result<void> fold_turn(engine_shared& shared, partition_id partition, run_record& into,
                       const std::vector<event>& turn) {
  if (turn.empty())
    return damaged_turn("a turn holds no event");
  if (const auto* start = std::get_if<events::execution_started>(&turn.front().what);
      start && !into.plan) {
    auto plan = shared.workflows->plan_of(partition, start->workflow_id, start->workflow_version,
                                          start->definition);
    if (!plan)
      return plan.error();
    into.plan = std::move(*plan);
  }
  if (!into.plan)
    return damaged_turn("the first event is missing");
  for (const auto& e : turn) {
    if (const auto fault = fold_fault(*into.plan, into.state, e))
      return damaged_turn("event " + std::to_string(e.seq) + ": " + *fault);
    evolve(*into.plan, into.state, e);
  }
  return {};
}

} // namespace

result<std::vector<view_change>> list_rows_of(engine_shared& shared, partition_id partition,
                                              const run_id& run) {
  const auto mark = begin_loading(shared, run, loading_work::list);
  if (!mark)
    return mark.error();
  newest_rows newest;
  result<void> whole;
  bool any = false;
  run_blobs blobs(shared, partition, run);
  run_record record;
  record.state.id = run;
  const auto read = each_turn(shared, partition, run, [&](std::vector<event> events) {
    any = true;
    whole = fold_turn(shared, partition, record, events);
    if (whole) {
      auto made = project(record.state, events, record.rows, blobs, audit_digest);
      newest.take(made);
    }
    return whole.has_value();
  });
  if (!read)
    return read.error();
  if (!whole)
    return whole.error();
  std::vector<view_change> out;
  if (!any)
    out.push_back(execution_gone{run});
  if (newest.execution)
    out.push_back(std::move(*newest.execution));
  for (auto& [id, review] : newest.reviews)
    out.push_back(std::move(review));
  return out;
}

turn_rows turn_rows_of(const engine_settings& settings, partition_id partition, run_record& run,
                       const std::vector<event>& turn, run_blobs& blobs) {
  auto made = project(run.state, turn, run.rows, blobs, audit_digest);
  turn_rows out;
  const auto& id = run.state.id;
  out.facts.push_back({table::events,
                       key_builder(partition).id(id.id).u64(made.first_seq).take(),
                       std::move(made.turn),
                       {}});
  blobs.take_rows(made.blobs, out.facts);
  auto& rows = out.derived;
  if (made.active == active_change::move || made.active == active_change::remove)
    rows.push_back({table::active, active_key(partition, made.owing_before, id), std::nullopt, {}});
  if (made.active == active_change::move || made.active == active_change::put)
    rows.push_back(
        {table::active, active_key(partition, made.owing, id), token_row(settings, run), {}});
  for (const auto& timer : made.timers)
    rows.push_back({table::timers,
                    timer_key(partition, timer.due, id, timer.timer),
                    timer.set ? std::optional(std::string()) : std::nullopt,
                    {}});
  for (auto& message : made.outbox) {
    rows.push_back(
        {table::outbox, outbox_row_key(partition, message), encode_message(message.what), {}});
    out.outbox.push_back(std::move(message));
  }
  add_list_rows(made, out.views);
  add_snapshot(run, partition, out);
  return out;
}

} // namespace troupe

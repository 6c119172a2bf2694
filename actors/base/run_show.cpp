// Answers about a run from what is committed.
#include "actors/base/run_history.hpp"

#include "runtime/engine/replay.hpp"
#include "runtime/engine/report.hpp"
#include "runtime/engine/snapshot.hpp"

#include <algorithm>

namespace troupe {

namespace {

/// A longer history is shown without what the state has forgotten: finished iterations, usage.
constexpr sequence_number history_events_max = 20'000;

result<std::vector<event>> all_events(const engine_shared& shared, partition_id partition,
                                      const run_id& run) {
  std::vector<event> out;
  result<void> decoded;
  const auto read = each_event(shared, partition, run, 0, [&](const stored_event& e) {
    auto one = decode_events(e.line);
    if (!one)
      decoded = one.error();
    else
      std::ranges::move(*one, std::back_inserter(out));
    return decoded.has_value();
  });
  if (!read)
    return read.error();
  if (!decoded)
    return decoded.error();
  return out;
}

result<json::value> as_value(const std::string& text) {
  return json::parse(text, {.depth_max = 256, .bytes_max = std::size_t{1} << 30});
}

result<event_page> page_of(const engine_shared& shared, partition_id partition,
                           const run_record& run, const ask_events& q) {
  event_page page;
  page.last_seq = run.state.seq;
  page.terminal = terminal(run.state.status);
  const auto read =
      each_event(shared, partition, run.state.id, q.after, [&](const stored_event& e) {
        if (e.seq > run.state.seq)
          return false;
        if (page.items.size() >= q.limit) {
          page.has_more = true;
          return false;
        }
        page.items.push_back(e.json());
        return true;
      });
  if (!read)
    return read.error();
  return page;
}

result<json::value> report_of(const engine_shared& shared, partition_id partition,
                              const run_record& run, blob_port& blobs, std::string_view what) {
  const auto events = all_events(shared, partition, run.state.id);
  if (!events)
    return events.error();
  return as_value(what == "logs" ? execution_logs(*events)
                                 : execution_report(*run.plan, run.state, *events, blobs));
}

std::string hash_text(std::uint64_t hash) {
  std::string out;
  for (int shift = 60; shift >= 0; shift -= 4)
    out.push_back("0123456789abcdef"[(hash >> shift) & 15]);
  return out;
}

/// Folds the whole history anew and compares with the state in force; on demand decides it anew.
result<json::value> replay_of(const engine_shared& shared, partition_id partition,
                              const run_record& run, blob_port& blobs, bool deciding) {
  std::vector<std::vector<event>> turns;
  std::vector<event> all;
  const auto read = each_turn(shared, partition, run.state.id, [&](std::vector<event> turn) {
    if (turn.empty() || turn.front().seq > run.state.seq)
      return false;
    all.insert(all.end(), turn.begin(), turn.end());
    turns.push_back(std::move(turn));
    return true;
  });
  if (!read)
    return read.error();
  const auto again = fold(*run.plan, run.state.id, all);
  if (!again)
    return again.error();
  const auto live = state_hash(run.state), replayed = state_hash(*again);
  json::object out{{"execution_id", to_text(run.state.id)},
                   {"events", again->seq},
                   {"equal", live == replayed},
                   {"status", to_text(visible_status(*again))},
                   {"state_hash", hash_text(live)},
                   {"replayed_hash", hash_text(replayed)}};
  if (!deciding)
    return json::value(std::move(out));
  const auto compared = redecide(*run.plan, run.state.id, turns, [&](instant now) {
    return decide_context{.now = now,
                          .blobs = blobs,
                          .limits = {},
                          .partitions = shared.settings.partitions,
                          .default_run_timeout = shared.settings.run_timeout};
  });
  if (!compared)
    return compared.error();
  out["decisions_equal"] = compared->equal();
  if (compared->first)
    out["difference"] = json::object{{"seq", compared->first->seq},
                                     {"recorded", compared->first->recorded},
                                     {"decided", compared->first->decided}};
  return json::value(std::move(out));
}

} // namespace

result<execution_text> execution_text_of(const engine_shared& shared, partition_id partition,
                                         const run_record& run, blob_port& blobs) {
  execution_text out;
  out.seq = run.state.seq;
  out.terminal = terminal(run.state.status);
  if (run.state.seq > history_events_max) {
    out.json = std::make_shared<const std::string>(execution_json(*run.plan, run.state, blobs));
    return out;
  }
  const auto events = all_events(shared, partition, run.state.id);
  if (!events)
    return events.error();
  run_history history;
  for (const auto& e : *events)
    if (e.seq <= run.state.seq)
      history.add(e);
  out.json =
      std::make_shared<const std::string>(execution_json(*run.plan, run.state, blobs, &history));
  return out;
}

void answer_about(const engine_shared& shared, partition_id partition, const run_record& run,
                  blob_port& blobs, run_question& question) {
  if (auto* q = std::get_if<ask_execution>(&question))
    q->answer(execution_text_of(shared, partition, run, blobs));
  else if (auto* page = std::get_if<ask_events>(&question))
    page->answer(page_of(shared, partition, run, *page));
  else if (auto* report = std::get_if<ask_report>(&question))
    report->answer(report_of(shared, partition, run, blobs, report->what));
  else if (auto* replay = std::get_if<ask_replay>(&question))
    replay->answer(replay_of(shared, partition, run, blobs, replay->redecide));
}

void answer_from_store(engine_shared& shared, partition_id partition, const run_id& run,
                       run_question& question) {
  run_blobs blobs(shared, partition, run);
  const auto found = load_run(shared, partition, run);
  if (!found)
    return std::visit([&](auto& q) { q.answer(found.error()); }, question);
  answer_about(shared, partition, *found, blobs, question);
}

} // namespace troupe

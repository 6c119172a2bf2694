#include "actors/replica/watched_runs.hpp"

#include "actors/replica/changed_names.hpp"
#include "actors/replica/followed_run.hpp"
#include "persistence/store/entry.hpp"

#include <algorithm>

namespace troupe {

namespace {

std::string workflow_of(const engine_shared& shared, const run_id& run) {
  std::string out;
  const auto read = each_turn(shared, partition_of(run), run, [&](const std::vector<event>& turn) {
    if (!turn.empty())
      if (const auto* start = std::get_if<events::execution_started>(&turn.front().what))
        out = start->workflow_id;
    return false;
  });
  return read ? out : std::string();
}

/// The newest entry whose rows can be seen: replicated_log::applied may not tell of it yet.
std::uint64_t head_of(const engine_shared& shared, partition_id partition) {
  const auto row = shared.rows.get(table::log_meta, log_head_key(partition));
  const auto head = row && *row ? log_head_from(**row) : std::nullopt;
  return head ? head->applied : 0;
}

/// How many turns of the run are in the entries behind `after`, up to `to`. An entry holds one at
/// most: that is the answer where the log does not tell, or tells too much to be read.
std::uint64_t turns_between(const engine_shared& shared, const run_id& run, std::uint64_t after,
                            std::uint64_t to) {
  constexpr std::uint64_t entries_max = 64;
  if (to <= after || to - after > entries_max)
    return to > after ? to - after : 0;
  const auto partition = partition_of(run);
  const auto text = to_text(run);
  std::uint64_t count = 0, entries = 0;
  const auto read =
      shared.rows.scan(table::log, log_key(partition, after + 1), log_key(partition, to + 1),
                       [&](std::string_view, std::string_view row) {
                         const auto changed = changed_of(row);
                         entries += changed ? 1 : 0;
                         for (const auto names : changed.value_or(decltype(changed)::value_type{}))
                           each_name(names, [&](auto name) { count += name == text ? 1 : 0; });
                         return true;
                       });
  return read && entries == to - after ? count : to - after;
}

/// First events of a run's newest turns, newest first.
std::vector<sequence_number> newest_turns(const engine_shared& shared, const run_id& run,
                                          std::size_t most) {
  const auto prefix = key_builder(partition_of(run)).id(run.id).take();
  std::vector<sequence_number> firsts;
  const auto read = shared.rows.scan(
      table::events, prefix, prefix_end(prefix),
      [&](std::string_view key, std::string_view) {
        key_reader reader(key.substr(prefix.size()));
        std::uint64_t first = 0;
        if (reader.u64(first))
          firsts.push_back(first);
        return firsts.size() < most;
      },
      true);
  if (!read)
    firsts.clear();
  return firsts;
}

/// The event before those that were told. The rows may be ahead of what was told: their turns count
/// too. Where it cannot be known how many these are, some events come early: none is missed.
/// Nothing: the run is not stored.
std::optional<sequence_number> before(const engine_shared& shared, const run_id& run,
                                      const told_turns& told) {
  constexpr int tries = 8;
  for (int i = 1;; ++i) {
    const auto head = head_of(shared, partition_of(run));
    auto wanted = told.count + turns_between(shared, run, told.index, head);
    const auto firsts = newest_turns(shared, run, wanted + 1);
    if (firsts.empty())
      return std::nullopt;
    const auto meanwhile = turns_between(shared, run, head, head_of(shared, partition_of(run)));
    if (meanwhile == 0)
      return firsts[std::min<std::size_t>(wanted, firsts.size()) - 1] - 1;
    if (i < tries)
      continue;
    wanted += meanwhile;
    const auto more = newest_turns(shared, run, wanted);
    return more.empty() ? 0 : more.back() - 1;
  }
}

} // namespace

std::uint64_t watched_runs::add(std::string workflow, std::shared_ptr<subscriber> who) {
  const std::lock_guard lock(mutex_);
  const auto ticket = next_++;
  const auto [at, first] = watched_.try_emplace(std::move(workflow));
  if (first)
    at->second.era = ticket;
  at->second.watchers.emplace(ticket, std::move(who));
  count_.fetch_add(1, std::memory_order_release);
  return ticket;
}

void watched_runs::remove(const std::string& workflow, std::uint64_t ticket) {
  std::shared_ptr<subscriber> gone; // ends outside of the lock
  const std::lock_guard lock(mutex_);
  const auto at = watched_.find(workflow);
  if (at == watched_.end())
    return;
  if (auto node = at->second.watchers.extract(ticket)) {
    gone = std::move(node.mapped());
    --count_;
  }
  if (at->second.watchers.empty())
    watched_.erase(at);
}

std::size_t watched_runs::drop_all() {
  decltype(watched_) gone;
  const std::lock_guard lock(mutex_);
  gone.swap(watched_);
  return count_.exchange(0);
}

watched_runs::watched watched_runs::of(const std::string& workflow) const {
  const std::lock_guard lock(mutex_);
  const auto at = watched_.find(workflow);
  return at == watched_.end() ? watched{} : at->second;
}

/// nullptr: the run is not stored.
watched_runs::place* watched_runs::find(engine_shared& shared, const run_id& run) {
  if (const auto at = places_.find(run); at != places_.end()) {
    newest_first_.splice(newest_first_.begin(), newest_first_, at->second.order);
    return &at->second;
  }
  auto workflow = workflow_of(shared, run);
  if (workflow.empty())
    return nullptr;
  if (places_.size() >= runs_max_) {
    places_.erase(newest_first_.back());
    newest_first_.pop_back();
  }
  newest_first_.push_front(run);
  return &places_.emplace(run, place{std::move(workflow), 0, 0, newest_first_.begin()})
              .first->second;
}

bool watched_runs::turn(engine_shared& shared, const run_id& run, const told_turns& told,
                        std::size_t events_max) {
  auto* const at = find(shared, run);
  if (!at)
    return false;
  auto to = of(at->workflow);
  if (to.watchers.empty())
    return false;
  if (at->era != to.era) {
    const auto seen = told.count > 0 ? before(shared, run, told) : std::nullopt;
    if (!seen)
      return false;
    at->era = to.era;
    at->seen = *seen;
  }
  std::vector<std::uint64_t> gone;
  std::size_t given = 0;
  const auto read =
      each_event(shared, partition_of(run), run, at->seen, [&](const stored_event& e) {
        if (given == events_max)
          return false;
        ++given;
        at->seen = e.seq;
        const auto json = std::make_shared<const std::string>(e.json());
        const auto review = review_of(e);
        for (const auto& [ticket, who] : to.watchers)
          if (!who->on_event(run, e.seq, e.kind, json) ||
              (review && !who->on_live(run, "user_input_required", review)))
            gone.push_back(ticket);
        for (const auto ticket : gone)
          if (to.watchers.erase(ticket) > 0) {
            remove(at->workflow, ticket);
            shared.metrics.subscribers_dropped.add();
          }
        gone.clear();
        return !to.watchers.empty();
      });
  return read && given == events_max && !to.watchers.empty();
}

void watched_runs::live(engine_shared& shared, const run_id& run, std::string_view kind,
                        const std::shared_ptr<const std::string>& json) {
  if (!any())
    return;
  if (const auto* const at = find(shared, run))
    for (const auto& [ticket, who] : of(at->workflow).watchers)
      who->on_live(run, kind, json);
}

std::vector<run_id> watched_runs::heard_of(partition_id partition) const {
  std::vector<run_id> out;
  for (const auto& run : newest_first_)
    if (partition_of(run) == partition)
      out.push_back(run);
  return out;
}

} // namespace troupe

#include "actors/control/housekeeping.hpp"

#include "persistence/store/entry.hpp"
#include "runtime/base/log.hpp"

#include <caf/send.hpp>

#include <algorithm>
#include <atomic>
#include <map>

namespace troupe {

namespace {

/// Of runs that this node leads: others see to theirs.
std::vector<run_id> own_in(const engine_shared& shared, const view_page& page) {
  std::vector<run_id> out;
  for (const auto& item : page.items)
    if (const auto row = json::parse(item))
      if (const auto run = run_id_from_text(json::text_or(*row, "id", ""));
          run && shared.log.leads(partition_of(*run)).here)
        out.push_back(*run);
  return out;
}

constexpr milliseconds trim_every{5'000};

std::int64_t integer_at(const json::value& v, std::string_view key) {
  const auto* at = json::find(v, key);
  return at && at->is_int64() ? at->get_int64() : 0;
}

std::vector<position> everything(const engine_shared& shared) {
  std::vector<position> out;
  for (std::uint16_t p = 1; p < shared.partitions.size(); ++p)
    out.push_back({partition_id{p}, shared.log.applied(partition_id{p})});
  return out;
}

/// Index of the first entry that the log still has; one more than `up_to` when there is none.
std::uint64_t oldest_entry(const engine_shared& shared, partition_id partition,
                           std::uint64_t up_to) {
  std::uint64_t oldest = up_to + 1;
  const auto read = shared.rows.scan(table::log, log_key(partition, 0), log_key(partition, oldest),
                                     [&](std::string_view key, std::string_view) {
                                       key_reader reader(key);
                                       std::uint16_t ignored = 0;
                                       return !reader.u16(ignored) || !reader.u64(oldest);
                                     });
  if (!read)
    log::warning("control", "the log is not readable, and not trimmed",
                 {{"partition", static_cast<std::int64_t>(number(partition))}});
  return oldest;
}

/// Answers come on the views' thread, perhaps after the engine has gone: only messages leave it.
/// Lists that are being made again do not show every run yet: it looks once more.
void cancel_running(const std::shared_ptr<engine_shared>& shared, const std::string& workflow,
                    std::string cursor) {
  execution_filter filter;
  filter.workflow_id = workflow;
  filter.limit = 500;
  filter.cursor = std::move(cursor);
  shared->lists.query(
      filter, everything(*shared), milliseconds(60'000),
      [weak = std::weak_ptr(shared), workflow](result<view_page> page) {
        const auto alive = weak.lock();
        if (!page || !alive)
          return;
        for (const auto& run : own_in(*alive, *page))
          caf::anon_send(
              alive->partition(partition_of(run)),
              command_run{run, commands::cancel{"The workflow was deleted", "system"}, {}, {}});
        if (page->stale)
          cancel_running(alive, workflow, {});
        else if (!page->next_cursor.empty())
          cancel_running(alive, workflow, page->next_cursor);
      });
}

constexpr std::uint32_t purged_at_once = 500;

struct sweep {
  std::atomic<std::size_t> open{0}; ///< partitions that have not answered
  std::atomic<bool> purged{false};
};

/// Purges a page of runs, and goes on as long as pages are full and runs do go.
void purge_what(const std::shared_ptr<engine_shared>& shared, const retention_query& what) {
  shared->lists.query(what, everything(*shared), milliseconds(2'000),
                      [weak = std::weak_ptr(shared), what](result<view_page> page) {
                        const auto alive = weak.lock();
                        if (!page || !alive)
                          return;
                        std::map<partition_id, std::vector<run_id>> by_partition;
                        for (const auto& run : own_in(*alive, *page))
                          by_partition[partition_of(run)].push_back(run);
                        const auto all = std::make_shared<sweep>();
                        all->open = by_partition.size();
                        const bool more = page->items.size() >= what.limit;
                        const auto done = [weak, what, all, more](const result<done_at>& gone) {
                          if (const auto* count = gone ? json::find(gone->body, "purged") : nullptr;
                              count && count->is_uint64())
                            all->purged = true;
                          if (const auto next = weak.lock();
                              --all->open == 0 && more && all->purged && next)
                            purge_what(next, what);
                        };
                        for (auto& [partition, runs] : by_partition)
                          caf::anon_send(alive->partition(partition),
                                         purge_runs{std::move(runs), promise<done_at>(done)});
                      });
}

} // namespace

void cancel_runs_of(engine_shared& shared, const std::string& workflow) {
  cancel_running(shared.shared_from_this(), workflow, {});
}

void housekeeping::look() {
  sweep_retention();
  trim_logs();
  if (!shared_.services.stopped("notification"))
    look_for_stuck();
}

/// A start shows from the log what the views lack, and needs the newest entries for that; the last
/// one that was shown too, for it may be there in part.
void housekeeping::trim_logs() {
  auto& shared = shared_;
  const auto now = shared.clock.elapsed();
  if (now < next_trim_)
    return;
  next_trim_ = now + trim_every;
  const auto less = [](std::uint64_t a, std::uint64_t b) { return a > b ? a - b : 0; };
  const auto worth =
      std::min(shared.settings.log_trim_entries_min, shared.settings.log_entries_kept);
  for (std::uint16_t p = 0; p <= shared.settings.partitions; ++p) {
    const partition_id partition{p};
    const auto up_to =
        std::min(less(shared.log.applied(partition), shared.settings.log_entries_kept),
                 less(shared.lists.applied(partition), 1));
    if (up_to >= worth && up_to + 1 - oldest_entry(shared, partition, up_to) >= worth)
      shared.log.trim_log(partition, up_to);
  }
}

/// settings/retention: {rules: [{status?, max_age_seconds?, keep_newest?}]}. A rule with both
/// removes what is old and not among the newest.
void housekeeping::sweep_retention() {
  const auto policy = workflows_.read("settings", "retention");
  const auto* rules = policy ? json::find(policy->body, "rules") : nullptr;
  if (!rules || !rules->is_array())
    return;
  const auto now = to_millis(shared_.clock.now());
  for (const auto& rule : rules->get_array()) {
    retention_query what{std::string(json::text_or(rule, "status", "")), {}, {}, purged_at_once};
    if (const auto age = integer_at(rule, "max_age_seconds"); age > 0)
      what.completed_before_ms = now - age * 1000;
    if (const auto keep = integer_at(rule, "keep_newest"); keep > 0)
      what.keep_newest = static_cast<std::uint64_t>(keep);
    if (what.completed_before_ms || what.keep_newest)
      purge_what(shared_.shared_from_this(), what);
  }
}

/// EN-39: executions that have been queued for long.
void housekeeping::look_for_stuck() {
  execution_filter filter;
  filter.status = "queued";
  auto& shared = shared_;
  filter.created_to_ms = to_millis(shared.clock.now()) - shared.settings.queued_alert_after.count();
  filter.limit = 100;
  shared.lists.query(
      filter, {}, milliseconds(0), [weak = shared.weak_from_this()](result<view_page> page) {
        const auto alive = weak.lock();
        if (!page || !alive)
          return;
        json::array alerts;
        for (const auto& run : own_in(*alive, *page))
          alerts.push_back(
              json::object{{"kind", "execution_queued"},
                           {"execution_id", to_text(run)},
                           {"message", "the execution has waited long for a free place"}});
        const std::lock_guard lock(alive->alerts_mutex);
        alive->alerts = std::move(alerts);
      });
}

} // namespace troupe

#include "actors/engine/views_feeder.hpp"

#include "persistence/store/entry.hpp"
#include "runtime/base/log.hpp"

#include <chrono>

namespace troupe {

namespace {

/// More entries than this are not worth holding up a start.
constexpr std::uint64_t catch_up_max = 20'000;
/// So few entries may be shown while live changes are held.
constexpr std::uint64_t last_gap_max = 256;
constexpr int rounds_max = 20;

} // namespace

std::uint64_t views_feeder::head(std::uint16_t partition) const {
  return shared_->log.applied(partition_id{partition});
}

/// Empty: the log has all that is missing, and it is little.
std::string views_feeder::reason_to_rebuild() const {
  std::uint64_t missing = 0;
  bool none_shown = true, any = false, trimmed = false;
  for (std::uint16_t p = 0; p <= shared_->settings.partitions; ++p) {
    const auto durable = head(p), shown = inner_.applied(partition_id{p});
    none_shown = none_shown && shown == 0;
    any = any || durable > 0;
    if (shown > durable)
      return "the view file is ahead of the log";
    if (shown == durable)
      continue;
    missing += durable - shown;
    const auto next = shared_->rows.get(table::log, log_key(partition_id{p}, shown + 1));
    trimmed = trimmed || (next && !*next);
  }
  if (any && none_shown)
    return "there is no usable view file";
  if (trimmed)
    return "the view file is behind what the log still has";
  return missing > catch_up_max ? "the view file is far behind" : "";
}

result<void> views_feeder::prepare() {
  reason_ = reason_to_rebuild();
  if (!reason_.empty()) {
    gate_.drop();
    return {};
  }
  view_builder builder(shared_, inner_, progress_, [this] { return !stop_; });
  return catch_up(builder);
}

/// The last entry that was shown may be there in part: its proposals are shown one by one.
result<void> views_feeder::catch_up(view_builder& builder) {
  for (std::uint16_t p = 0; p <= shared_->settings.partitions; ++p) {
    const partition_id partition{p};
    const auto durable = head(p), shown = inner_.applied(partition);
    if (durable == 0)
      continue;
    const auto last = shown > 0 ? shared_->rows.get(table::log, log_key(partition, shown))
                                : result<std::optional<std::string>>(std::optional<std::string>{});
    const auto after = last && *last ? shown - 1 : shown;
    if (auto done = builder.changed(partition, after, durable); !done)
      return done;
    builder.reached(partition, durable);
  }
  return {};
}

void views_feeder::run() {
  if (reason_.empty())
    return;
  log::warning("views", "the views are made again from the rows; lists are stale until then",
               {{"why", std::string_view(reason_)}});
  running_ = true;
  thread_ = std::thread([this] { rebuild(); });
}

void views_feeder::stop() {
  stop_ = true;
  if (thread_.joinable())
    thread_.join();
}

void views_feeder::rebuild() {
  const auto began = std::chrono::steady_clock::now();
  view_builder builder(shared_, inner_, progress_, [this] { return !stop_; });
  auto done = rebuild_all(builder);
  running_ = false;
  if (!done) {
    if (!stop_)
      log::error("views", "the views could not be made again; the next start tries once more",
                 {{"code", std::string_view(done.error().code)},
                  {"why", std::string_view(done.error().message)}});
    return;
  }
  const auto took =
      std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - began);
  const auto count = [](const auto& n) { return static_cast<std::int64_t>(n.load()); };
  log::info("views", "the views are complete",
            {{"executions", count(progress_.executions)},
             {"reviews", count(progress_.reviews)},
             {"documents", count(progress_.documents)},
             {"unreadable", count(progress_.unreadable)},
             {"milliseconds", static_cast<std::int64_t>(took.count())}});
}

result<void> views_feeder::rebuild_all(view_builder& builder) {
  const auto partitions = shared_->settings.partitions;
  inner_.clear();
  from_.assign(partitions + 1u, 0);
  for (std::uint16_t p = 0; p <= partitions; ++p)
    from_[p] = head(p);
  for (std::uint16_t p = 0; p <= partitions; ++p)
    if (auto done = builder.everything(partition_id{p}); !done)
      return done;
  // What changed meanwhile, again and again, until the rest is so little that it may be held up.
  for (;;) {
    for (int round = 0; round < rounds_max; ++round) {
      std::uint64_t gap = 0;
      for (std::uint16_t p = 0; p <= partitions; ++p)
        gap += head(p) - from_[p];
      if (gap <= last_gap_max)
        break;
      if (auto done = close_gap(builder); !done)
        return done;
    }
    gate_.hold();
    if (auto done = close_gap(builder); !done)
      return done;
    for (std::uint16_t p = 0; p <= partitions; ++p)
      if (from_[p] > 0)
        builder.reached(partition_id{p}, from_[p]);
    if (gate_.open())
      return {};
  }
}

/// Every entry that was dropped at the gate is below the log's head by now: applied() moves before
/// anybody is told.
result<void> views_feeder::close_gap(view_builder& builder) {
  for (std::uint16_t p = 0; p <= shared_->settings.partitions; ++p) {
    const auto to = head(p);
    if (auto done = builder.changed(partition_id{p}, from_[p], to); !done)
      return done;
    from_[p] = to;
  }
  return {};
}

} // namespace troupe

#include "actors/partition/overdue_timers.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t rows_max = 100;

} // namespace

std::vector<timer_window::due_timer> overdue_timers::look() {
  const auto before = to_millis(shared_.clock.now() - shared_.settings.stuck_after);
  const auto from = clear_to_.empty() ? key_builder(partition_).take() : clear_to_;
  const auto end = key_builder(partition_)
                       .u64(static_cast<std::uint64_t>(std::max<std::int64_t>(0, before)))
                       .take();
  std::vector<timer_window::due_timer> lost;
  std::set<std::string> now;
  const auto fine =
      shared_.rows.scan(table::timers, from, end, [&](std::string_view key, std::string_view) {
        key_reader reader(key);
        std::uint16_t partition = 0;
        std::uint64_t due = 0;
        timer_window::due_timer found;
        if (!reader.u16(partition) || !reader.u64(due) || !reader.id(found.run.id) ||
            !reader.u64(found.timer))
          return true;
        found.due = from_millis(static_cast<std::int64_t>(due));
        if (seen_.contains(std::string(key)))
          lost.push_back(found);
        now.emplace(key);
        return now.size() < rows_max;
      });
  if (!fine)
    return {};
  if (now.empty())
    clear_to_ = std::max(clear_to_, end); // the wall clock may go back
  seen_ = std::move(now);
  return lost;
}

} // namespace troupe

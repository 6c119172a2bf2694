#include "actors/partition/timer_window.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr milliseconds window{60'000};
constexpr std::size_t rows_a_read_max = 20'000;

std::string key_at(partition_id partition, instant due) {
  return key_builder(partition)
      .u64(static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_millis(due))))
      .take();
}

std::string key_of(partition_id partition, const timer_window::due_timer& what) {
  return key_builder(partition)
      .u64(static_cast<std::uint64_t>(std::max<std::int64_t>(0, to_millis(what.due))))
      .id(what.run.id)
      .u64(what.timer)
      .take();
}

} // namespace

void timer_window::arm(const run_id& run, const timer_armed& what) {
  // Not read yet: its row will be found when the window gets there.
  if (!window_end_ || (what.due >= *window_end_) ||
      (more_ && key_at(partition_, what.due) >= read_from_))
    return;
  const due_timer timer{run, what.timer, what.due};
  if (what.relative) {
    const auto left = std::max(milliseconds(0), what.due - shared_.clock.now());
    by_elapsed_.push({(shared_.clock.elapsed() + left).count(), timer});
  } else {
    by_wall_.push({to_millis(what.due), timer});
  }
}

void timer_window::read_on() {
  const auto now = shared_.clock.now();
  const bool near_end = !window_end_ || now + window / 2 >= *window_end_;
  if (!more_ && !near_end)
    return;
  if (more_ && size() > rows_a_read_max)
    return; // enough at hand
  if (!more_)
    window_end_ = std::max(window_end_.value_or(now), now) + window;
  if (read_from_.empty())
    read_from_ = key_builder(partition_).take();
  std::size_t rows = 0;
  const auto to = key_at(partition_, *window_end_);
  std::string last;
  const auto fine =
      shared_.rows.scan(table::timers, read_from_, to, [&](std::string_view key, std::string_view) {
        key_reader reader(key);
        std::uint16_t partition = 0;
        std::uint64_t due = 0;
        due_timer found;
        if (reader.u16(partition) && reader.u64(due) && reader.id(found.run.id) &&
            reader.u64(found.timer)) {
          found.due = from_millis(static_cast<std::int64_t>(due));
          by_wall_.push({to_millis(found.due), found});
        }
        last = key;
        return ++rows < rows_a_read_max;
      });
  if (!fine)
    return;
  more_ = rows >= rows_a_read_max;
  read_from_ = more_ ? last + '\0' : to;
}

std::vector<timer_window::due_timer> timer_window::take_due(std::size_t most) {
  read_on();
  std::vector<due_timer> out;
  const auto take = [&](heap& from, std::int64_t now) {
    while (!from.empty() && from.top().at <= now && out.size() < most) {
      out.push_back(from.top().what);
      from.pop();
    }
  };
  take(by_wall_, to_millis(shared_.clock.now()));
  take(by_elapsed_, shared_.clock.elapsed().count());
  return out;
}

milliseconds timer_window::next_wake() const {
  // Nothing is read yet, or the clock jumped ahead: what is armed now may lie behind the window.
  if (!window_end_ || (!more_ && shared_.clock.now() + window / 2 >= *window_end_))
    return milliseconds(0);
  auto wait = window / 4;
  if (!by_wall_.empty())
    wait = std::min(wait, milliseconds(by_wall_.top().at - to_millis(shared_.clock.now())));
  if (!by_elapsed_.empty())
    wait = std::min(wait, milliseconds(by_elapsed_.top().at) - shared_.clock.elapsed());
  return std::max(wait, milliseconds(0));
}

bool timer_window::stands(const due_timer& what) const {
  const auto row = shared_.rows.get(table::timers, key_of(partition_, what));
  return !row || row->has_value(); // unreadable: let the run say
}

void timer_window::reread() {
  by_wall_ = {};
  window_end_.reset();
  read_from_.clear();
  more_ = false;
}

} // namespace troupe

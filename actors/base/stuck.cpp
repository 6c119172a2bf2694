#include "actors/api/stuck.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t kept_max = 100;
constexpr milliseconds kept_for{3'600'000};

} // namespace

void stuck_board::note(const run_id& run, std::string kind, std::string message, milliseconds now) {
  const std::lock_guard lock(mutex_);
  const auto known = std::find_if(entries_.begin(), entries_.end(),
                                  [&](const entry& e) { return e.run == run && e.kind == kind; });
  entry news{run, std::move(kind), std::move(message), now, 1};
  if (known != entries_.end()) {
    news.times = known->times + 1;
    entries_.erase(known);
  }
  entries_.push_back(std::move(news));
  if (entries_.size() > kept_max)
    entries_.pop_front();
}

json::array stuck_board::alerts(milliseconds now) const {
  const std::lock_guard lock(mutex_);
  json::array out;
  for (const auto& e : entries_)
    if (now - e.at < kept_for)
      out.push_back(json::object{{"kind", e.kind},
                                 {"execution_id", to_text(e.run)},
                                 {"message", e.message},
                                 {"times", e.times}});
  return out;
}

} // namespace troupe

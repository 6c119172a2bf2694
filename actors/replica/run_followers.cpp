#include "actors/replica/run_followers.hpp"

#include "actors/replica/changed_names.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

/// Between two looks at what others left.
constexpr int turns_at_once = 64;

} // namespace

void run_followers::start(std::shared_ptr<engine_shared> shared, control_steps control) {
  shared_ = std::move(shared);
  control_ = std::move(control);
  thread_ = std::thread([this] { work(); });
}

void run_followers::stop() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (!thread_.joinable())
    return;
  thread_.join();
  runs_.clear();
  watched_.drop_all();
  notes left;
  const std::lock_guard lock(mutex_);
  std::swap(left, notes_);
}

/// Under the lock.
void run_followers::note(const run_id& run) {
  if (!followed(run) && (notes_.flooded || !watched_.any()))
    return;
  ++notes_.runs[run].count;
  if (notes_.runs.size() <= limits_.waiting_max || notes_.flooded)
    return;
  notes_.flooded = true;
  std::erase_if(notes_.runs, [&](const auto& each) { return !followed(each.first); });
}

void run_followers::changed(partition_id partition, std::uint64_t index, std::string_view names) {
  bool any = false;
  {
    const std::lock_guard lock(mutex_);
    if (closing_)
      return;
    told_[number(partition)] = index;
    each_name(names, [&](std::string_view name) {
      if (number(partition) == 0)
        notes_.control.emplace_back(name);
      else if (const auto run = run_id_from_text(name))
        note(*run);
    });
    any = notes_.any();
  }
  if (any)
    wake_.notify_one();
}

void run_followers::changed_whole(partition_id partition, std::uint64_t index) {
  {
    const std::lock_guard lock(mutex_);
    told_[number(partition)] = index;
    if (number(partition) == 0)
      notes_.control_whole = true;
    else
      notes_.whole.push_back(partition);
  }
  wake_.notify_one();
}

void run_followers::live(const run_id& run, std::string_view kind,
                         std::shared_ptr<const std::string> json) {
  if (kind == "user_input_required")
    return;
  {
    const std::lock_guard lock(mutex_);
    if (closing_ || (!followed(run) && !watched_.any()) || notes_.live.size() >= limits_.live_max)
      return;
    notes_.live.push_back({run, std::string(kind), std::move(json)});
  }
  wake_.notify_one();
}

std::shared_ptr<void> run_followers::subscribe(const run_id& run, sequence_number since,
                                               std::shared_ptr<subscriber> who) {
  std::uint64_t ticket = 0;
  {
    const std::lock_guard lock(mutex_);
    if (!closing_) {
      ticket = next_++;
      ++followed_[run];
      notes_.arrivals.push_back({run, ticket, since, std::move(who)});
    }
  }
  if (ticket == 0) {
    who->on_end(run);
    return nullptr;
  }
  wake_.notify_one();
  const auto handle = std::make_shared<int>(0);
  return {handle.get(), [handle, run, ticket, weak = weak_from_this()](void*) {
            const auto self = weak.lock();
            if (!self)
              return;
            {
              const std::lock_guard lock(self->mutex_);
              if (self->closing_)
                return;
              self->notes_.arrivals.push_back({run, ticket, 0, nullptr});
            }
            self->wake_.notify_one();
          }};
}

std::shared_ptr<void> run_followers::watch(const std::string& workflow,
                                           std::shared_ptr<subscriber> who) {
  const auto ticket = watched_.add(workflow, std::move(who));
  const auto handle = std::make_shared<int>(0);
  return {handle.get(), [handle, workflow, ticket, weak = weak_from_this()](void*) {
            if (const auto self = weak.lock())
              self->watched_.remove(workflow, ticket);
          }};
}

void run_followers::work() {
  auto look_at = clock::time_point::max();
  for (;;) {
    notes now;
    {
      std::unique_lock lock(mutex_);
      const auto due = [&] { return closing_ || notes_.any() || !order_.empty(); };
      if (look_at == clock::time_point::max())
        wake_.wait(lock, due);
      else
        wake_.wait_until(lock, look_at, due);
      if (closing_)
        return;
      std::swap(now, notes_);
      for (auto& [run, told] : now.runs)
        told.index = told_[number(partition_of(run))];
    }
    take(std::move(now));
    look_at = expire(clock::now());
    for (int i = 0; i < turns_at_once && !order_.empty(); ++i)
      turn();
    if (!unknown_.empty())
      look_at = std::min(look_at, clock::now() + limits_.unknown_wait);
  }
}

void run_followers::take(notes now) {
  if (now.flooded) {
    log::error("followers", "watchers of workflows are too far behind: they are dropped");
    shared_->metrics.subscribers_dropped.add(watched_.drop_all());
  }
  if (now.control_whole)
    control_.all_changed();
  for (const auto& name : now.control)
    control_.changed(name);
  for (auto& each : now.arrivals) {
    if (each.who) {
      runs_.try_emplace(each.run, each.run)
          .first->second.add(each.ticket, each.since, std::move(each.who));
      queue(each.run, {});
    } else if (const auto at = runs_.find(each.run); at != runs_.end()) {
      const auto before = at->second.size();
      at->second.drop(each.ticket);
      forget(each.run, before - at->second.size());
    }
  }
  for (const auto& each : now.live) {
    watched_.live(*shared_, each.run, each.kind, each.json);
    if (const auto at = runs_.find(each.run); at != runs_.end())
      at->second.live(each.kind, each.json);
  }
  for (const auto& [run, told] : now.runs)
    queue(run, told);
  for (const auto partition : now.whole) {
    for (const auto& [run, at] : runs_)
      if (partition_of(run) == partition)
        queue(run, {});
    for (const auto& run : watched_.heard_of(partition)) {
      queue(run, {});
      waiting_[run].watched = true;
    }
  }
}

void run_followers::queue(const run_id& run, const told_turns& told) {
  const auto [at, first] = waiting_.try_emplace(run);
  if (first)
    order_.push_back(run);
  at->second.told.count += told.count;
  at->second.told.index = std::max(at->second.told.index, told.index);
}

void run_followers::turn() {
  const auto run = order_.front();
  order_.pop_front();
  const auto what = waiting_.extract(run).mapped();
  bool more = false, watched = false;
  if (what.told.count > 0 || what.watched)
    watched = watched_.turn(*shared_, run, what.told, limits_.events_a_turn);
  if (const auto at = runs_.find(run); at != runs_.end())
    look(run, at->second, more);
  if (more || watched) {
    queue(run, {});
    waiting_[run].watched = watched;
  }
}

void run_followers::look(const run_id& run, followed_run& at, bool& more) {
  const auto before = at.size();
  const auto next = at.turn(*shared_, limits_.events_a_turn);
  more = next == followed_run::next::more;
  if (next != followed_run::next::unknown) {
    unknown_.erase(run);
  } else if (shared_->log.leads(partition_of(run)).here) {
    at.end_all();
    unknown_.erase(run);
  } else if (const auto [until, first] = unknown_.try_emplace(run); first) {
    until->second = clock::now() + limits_.unknown_wait;
  } else if (until->second <= clock::now()) {
    at.end_all();
    unknown_.erase(until);
  }
  forget(run, before - at.size());
}

/// So many subscriptions of the run have ended.
void run_followers::forget(const run_id& run, std::size_t subscriptions) {
  if (const auto at = runs_.find(run); at != runs_.end() && at->second.size() == 0) {
    runs_.erase(at);
    unknown_.erase(run);
  }
  if (subscriptions == 0)
    return;
  const std::lock_guard lock(mutex_);
  const auto at = followed_.find(run);
  if ((at->second -= subscriptions) == 0)
    followed_.erase(at);
}

/// Looks again at runs that were unknown for too long. Returns when the next one is due.
run_followers::clock::time_point run_followers::expire(clock::time_point now) {
  auto next = clock::time_point::max();
  for (const auto& [run, until] : unknown_) {
    if (until <= now)
      queue(run, {});
    else
      next = std::min(next, until);
  }
  return next;
}

} // namespace troupe

#include "actors/replica/replica_feed.hpp"

#include "actors/replica/changed_names.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <utility>

namespace troupe {

namespace {

constexpr std::chrono::milliseconds retry_after{1'000};
/// Nobody tells when the views take rows again; it happens once, after a start.
constexpr std::chrono::milliseconds look_again_after{50};

} // namespace

replica_feed::replica_feed(std::shared_ptr<views> inner, const std::vector<std::uint64_t>& heads)
    : inner_(std::move(inner)), places_(heads.size()) {
  for (std::size_t p = 0; p < heads.size(); ++p)
    places_[p].last = heads[p];
}

void replica_feed::start(feed_steps how) {
  how_ = std::move(how);
  thread_ = std::thread([this] { work(); });
}

void replica_feed::stop() {
  {
    const std::lock_guard lock(mutex_);
    closing_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

void replica_feed::add(notes& to, std::uint64_t index, std::set<std::string> names) {
  if (!to.any())
    to.after = index - 1;
  to.index = std::max(to.index, index);
  if (to.all || to.from_log)
    return;
  to.names.merge(std::move(names));
  if (to.names.size() <= names_max)
    return;
  to.names.clear();
  to.from_log = true;
}

bool replica_feed::applied(partition_id partition, std::uint64_t index,
                           const std::vector<std::string_view>& changed) {
  // An entry that holds no proposals looks like rows that came as a whole up to the next index: the
  // log knows.
  const bool whole = changed.empty();
  std::set<std::string> names;
  for (const auto text : changed)
    each_name(text, [&](std::string_view name) { names.emplace(name); });
  {
    const std::lock_guard lock(mutex_);
    if (number(partition) >= places_.size() || index == 0)
      return false;
    auto& at = places_[number(partition)];
    const bool gap = whole && index > at.last + 1;
    at.last = std::max(at.last, index);
    if (!whole && names.empty() && !at.behind()) {
      inner_->apply(partition, index, {});
      return false;
    }
    if (!at.behind())
      let_gather(at);
    add(at.queued, index, std::move(names));
    if (whole) {
      at.queued.all = at.queued.all || gap;
      at.queued.from_log = !at.queued.all;
      at.queued.names.clear();
    }
  }
  wake_.notify_one();
  return whole;
}

void replica_feed::apply(partition_id partition, std::uint64_t index,
                         std::vector<view_change> changes) {
  const std::lock_guard lock(mutex_);
  if (number(partition) >= places_.size() || index == 0)
    return inner_->apply(partition, index, std::move(changes));
  auto& at = places_[number(partition)];
  at.last = std::max(at.last, index);
  if (!at.behind())
    return inner_->apply(partition, index, std::move(changes));
  std::set<std::string> names;
  for (const auto& change : changes)
    names.insert(name_of(change));
  add(at.queued, index, std::move(names));
}

void replica_feed::query(view_query what, std::vector<position> at_least,
                         std::chrono::milliseconds wait, page_ready ready) {
  {
    const std::lock_guard lock(mutex_);
    for (const auto& at : at_least)
      if (number(at.partition) < places_.size())
        places_[number(at.partition)].begin_at = {};
  }
  if (!at_least.empty())
    wake_.notify_one();
  inner_->query(std::move(what), std::move(at_least), wait, std::move(ready));
}

/// Before the first note of a place that shows all there is.
void replica_feed::let_gather(place& at) const {
  at.begin_at = &at == &places_.front() ? clock::time_point{} : clock::now() + gather;
}

std::size_t replica_feed::lag() const {
  auto count = inner_->lag();
  const std::lock_guard lock(mutex_);
  for (const auto& at : places_)
    count += at.queued.names.size() + at.shown.names.size();
  return count;
}

/// Control first: its rows are few, and people wait for them. The others in turn.
replica_feed::place* replica_feed::next(clock::time_point now) {
  const auto ready = [&](const place& at) {
    return at.behind() && at.retry_at <= now && at.begin_at <= now;
  };
  if (!places_.empty() && ready(places_.front()))
    return &places_.front();
  for (std::size_t i = 0; i < places_.size(); ++i) {
    turn_ = (turn_ + 1) % places_.size();
    if (ready(places_[turn_]))
      return &places_[turn_];
  }
  return nullptr;
}

replica_feed::task replica_feed::begin(place& at) {
  if (!at.shown.any())
    at.shown = std::exchange(at.queued, {});
  task out;
  out.partition = static_cast<partition_id>(&at - places_.data());
  out.what = {at.shown.after, at.shown.index, at.shown.from_log, at.shown.all, {}};
  while (!at.shown.names.empty() && out.names.size() < names_a_step)
    out.names.push_back(std::move(at.shown.names.extract(at.shown.names.begin()).value()));
  return out;
}

result<void> replica_feed::perform(const task& step) const {
  if (step.what.all)
    return how_.show_all(step.partition);
  if (!step.what.from_log)
    return step.names.empty() ? result<void>{} : how_.show(step.partition, step.names);
  // The last entry that is shown may be there in part.
  const auto shown = inner_->applied(step.partition);
  const auto after = std::max(step.what.after, shown > 0 ? shown - 1 : 0);
  const auto done = after < step.what.index ? how_.show_log(step.partition, after, step.what.index)
                                            : result<void>{};
  return !done && done.error().code == "log_trimmed" ? how_.show_all(step.partition) : done;
}

void replica_feed::end(place& at, const task& step, const result<void>& done) {
  if (!done) {
    at.shown.names.insert(step.names.begin(), step.names.end());
    at.retry_at = clock::now() + retry_after;
    if (!closing_)
      log::error("views", "changes of others could not be shown; they are tried again",
                 {{"partition", std::int64_t{number(step.partition)}},
                  {"code", std::string_view(done.error().code)},
                  {"why", std::string_view(done.error().message)}});
    return;
  }
  if (!at.shown.names.empty())
    return;
  // Under the lock: who finds the partition idle comes behind this.
  inner_->apply(step.partition, at.shown.index, {});
  at.shown = {};
  if (at.queued.any())
    let_gather(at);
}

void replica_feed::work() {
  std::unique_lock lock(mutex_);
  while (!closing_) {
    const bool any =
        std::any_of(places_.begin(), places_.end(), [](const place& at) { return at.behind(); });
    if (!any) {
      wake_.wait(lock);
      continue;
    }
    auto* const at = how_.may_show() ? next(clock::now()) : nullptr;
    if (!at) {
      wake_.wait_for(lock, look_again_after);
      continue;
    }
    const auto step = begin(*at);
    lock.unlock();
    const auto done = perform(step);
    lock.lock();
    end(*at, step, done);
  }
}

} // namespace troupe

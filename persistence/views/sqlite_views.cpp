#include "persistence/views/sqlite_views.hpp"

#include "persistence/views/apply.hpp"
#include "persistence/views/change_size.hpp"
#include "persistence/views/connection.hpp"
#include "persistence/views/queries.hpp"
#include "persistence/views/view_file.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <fcntl.h>
#include <mutex>
#include <thread>
#include <unistd.h>
#include <utility>

namespace troupe {

namespace {

using clock = std::chrono::steady_clock;
using sqlite::connection;
using sqlite::damage_mark;
using sqlite::opened_file;

/// Changes that one transaction takes at most, so that queries get their turn.
constexpr std::size_t batch_changes_max = 20'000;
/// Who feeds waits a little while more than this part of the budget is queued.
constexpr std::uint64_t queue_share = 4;
/// While nobody waits for an answer, changes gather this long: a transaction for each commit would
/// cost more than the commit.
constexpr std::chrono::milliseconds gather_for{20};

class owner final : public sqlite_views {
public:
  owner(std::string path, opened_file opened, std::map<partition_id, std::uint64_t> applied,
        byte_budget* budget)
      : path_(std::move(path)), file_(std::move(opened.file)), recreated_(opened.recreated),
        budget_(budget), applied_(std::move(applied)), pending_claim_(budget, budget_kind::views),
        thread_([this] { run(); }) {}

  ~owner() override {
    {
      const std::lock_guard lock(mutex_);
      closing_ = true;
    }
    wake_.notify_one();
    thread_.join();
  }

  void apply(partition_id partition, std::uint64_t index,
             std::vector<view_change> changes) override {
    byte_claim claim(budget_, budget_kind::views, budget_ ? size_of(changes) : 0);
    bool first = false;
    {
      const std::lock_guard lock(mutex_);
      lag_ += changes.size();
      if (useless_)
        return;
      first = queue_.empty();
      queue_.push_back({partition, index, std::move(changes), false, std::move(claim)});
    }
    if (first)
      wake_.notify_one();
  }

  void clear() override {
    {
      const std::lock_guard lock(mutex_);
      ++lag_;
      queue_.push_back({{}, 0, {}, true});
    }
    wake_.notify_one();
  }

  void sweep(partition_id partition, row_filter stays) override {
    {
      const std::lock_guard lock(mutex_);
      if (useless_)
        return;
      ++lag_;
      queue_.push_back({partition, 0, {}, false, {}, std::move(stays)});
    }
    wake_.notify_one();
  }

  void keep_pace(std::chrono::milliseconds most) override {
    if (!budget_)
      return;
    const auto fits = [this] {
      return useless_ || closing_ ||
             budget_->used(budget_kind::views) <= budget_->bytes_max() / queue_share;
    };
    std::unique_lock lock(mutex_);
    room_.wait_for(lock, most, fits);
  }

  bool wait_for_room(std::size_t changes, std::chrono::milliseconds wait) override {
    std::unique_lock lock(mutex_);
    return room_.wait_for(lock, wait, [&] { return useless_ || lag_ <= changes; });
  }

  std::uint64_t applied(partition_id partition) const override {
    const std::lock_guard lock(mutex_);
    const auto found = applied_.find(partition);
    return found == applied_.end() ? 0 : found->second;
  }

  void query(view_query what, std::vector<position> at_least, std::chrono::milliseconds wait,
             page_ready ready) override {
    {
      const std::lock_guard lock(mutex_);
      questions_.push_back({std::move(what), std::move(at_least),
                            clock::now() + std::min(wait, wait_max), std::move(ready)});
    }
    wake_.notify_one();
  }

  std::size_t lag() const override {
    const std::lock_guard lock(mutex_);
    return lag_;
  }

  bool was_recreated() const noexcept override { return recreated_; }

private:
  struct batch {
    partition_id partition{};
    std::uint64_t index = 0;
    std::vector<view_change> changes;
    bool clear = false; ///< instead of changes: everything goes
    byte_claim claim = {};
    row_filter stays = {}; ///< instead of changes: a sweep
  };
  struct question {
    view_query what;
    std::vector<position> at_least;
    clock::time_point deadline;
    page_ready ready;
  };
  static constexpr std::chrono::milliseconds wait_max{60'000};

  void run();
  bool has_work() const;
  bool is_due(bool in_a_hurry) const { return in_a_hurry || clock::now() >= gathered_at_; }
  bool has_pending() const {
    return pending_clear_ || pending_sweep_ || !pending_positions_.empty();
  }
  void wait_for_work(std::unique_lock<std::mutex>& lock, const std::vector<question>& waiting);
  void take_batch();
  void apply_pending();
  void sweep_some();
  void answer_some(std::vector<question>& waiting, bool all);
  bool reached(const std::vector<position>& at_least) const;
  void note_damage(const failure& why);

  const std::string path_;
  std::unique_ptr<connection> file_;
  const bool recreated_;
  byte_budget* const budget_;
  mutable std::mutex mutex_;
  std::condition_variable wake_, room_;
  std::map<partition_id, std::uint64_t> applied_;
  std::deque<batch> queue_;
  std::vector<question> questions_;
  std::size_t lag_ = 0;
  bool closing_ = false;
  bool useless_ = false; ///< the next opening makes the file again: nothing is queued any more
  // The thread's own.
  byte_claim pending_claim_;
  std::vector<view_change> pending_; ///< the batch being applied, kept until that succeeded
  std::map<partition_id, std::uint64_t> pending_positions_;
  bool pending_clear_ = false; ///< comes alone
  row_filter pending_sweep_;   ///< the same; of …
  partition_id swept_{};
  sqlite::sweep_place sweep_place_;
  clock::time_point gathered_at_{}; ///< what is queued is applied then, or sooner for a question
  clock::time_point retry_at_{};    ///< a batch that failed (disk full) is tried again then
  bool broken_ = false;             ///< the file is damaged: nothing may be applied any more
  std::thread thread_;
};

bool owner::has_work() const {
  if (broken_)
    return false;
  return has_pending() ? clock::now() >= retry_at_ : !queue_.empty();
}

/// Until there is something to do, or the first of the waiting questions has waited long enough.
void owner::wait_for_work(std::unique_lock<std::mutex>& lock,
                          const std::vector<question>& waiting) {
  while (!closing_ && questions_.empty() && !(has_work() && is_due(!waiting.empty()))) {
    auto until = clock::time_point::max();
    if (has_pending())
      until = retry_at_;
    else if (!queue_.empty() && !broken_)
      until = gathered_at_;
    for (const auto& one : waiting)
      until = std::min(until, one.deadline);
    if (until == clock::time_point::max())
      wake_.wait(lock);
    else if (wake_.wait_until(lock, until) == std::cv_status::timeout)
      return;
  }
}

void owner::run() {
  std::vector<question> waiting;
  for (;;) {
    bool closing = false;
    {
      std::unique_lock lock(mutex_);
      wait_for_work(lock, waiting);
      if (!has_pending())
        take_batch();
      std::move(questions_.begin(), questions_.end(), std::back_inserter(waiting));
      questions_.clear();
      closing = closing_ && (queue_.empty() || broken_);
    }
    if (has_pending() && !broken_ && (closing || clock::now() >= retry_at_))
      apply_pending();
    answer_some(waiting, closing);
    if (closing)
      return;
  }
}

void owner::take_batch() {
  while (!broken_ && !queue_.empty() && pending_.size() < batch_changes_max) {
    auto& one = queue_.front();
    if (one.stays) {
      if (has_pending())
        return;
      pending_sweep_ = std::move(one.stays);
      swept_ = one.partition;
      sweep_place_ = {};
      return queue_.pop_front();
    }
    if (one.clear) {
      if (has_pending())
        return;
      pending_clear_ = true;
      return queue_.pop_front();
    }
    std::move(one.changes.begin(), one.changes.end(), std::back_inserter(pending_));
    pending_claim_.set(pending_claim_.bytes() + one.claim.bytes());
    const auto known = applied_.find(one.partition);
    auto& index = pending_positions_[one.partition];
    index = std::max({index, one.index, known == applied_.end() ? 0 : known->second});
    queue_.pop_front();
  }
}

/// A part at a time: questions are answered between.
void owner::sweep_some() {
  auto done = sqlite::sweep(*file_, swept_, pending_sweep_, sweep_place_);
  if (!done) {
    note_damage(done.error());
    retry_at_ = clock::now() + std::chrono::milliseconds(500);
    return;
  }
  sweep_place_ = std::move(*done);
  if (!sweep_place_.done)
    return;
  pending_sweep_ = nullptr;
  const std::lock_guard lock(mutex_);
  --lag_;
  room_.notify_all();
}

void owner::apply_pending() {
  if (pending_sweep_)
    return sweep_some();
  const auto done =
      pending_clear_ ? sqlite::clear(*file_) : sqlite::apply(*file_, pending_, pending_positions_);
  if (!done) {
    note_damage(done.error());
    retry_at_ = clock::now() + std::chrono::milliseconds(500);
    return;
  }
  gathered_at_ = clock::now() + gather_for;
  const std::lock_guard lock(mutex_);
  lag_ -= pending_clear_ ? 1 : pending_.size();
  if (std::exchange(pending_clear_, false))
    applied_.clear();
  for (const auto& [partition, index] : pending_positions_)
    applied_[partition] = index;
  pending_.clear();
  pending_claim_.set(0);
  pending_positions_.clear();
  room_.notify_all();
}

bool owner::reached(const std::vector<position>& at_least) const {
  return std::all_of(at_least.begin(), at_least.end(), [this](const position& wanted) {
    return applied(wanted.partition) >= wanted.index;
  });
}

void owner::answer_some(std::vector<question>& waiting, bool all) {
  std::vector<question> later;
  const auto now = clock::now();
  for (auto& one : waiting) {
    const bool fresh = reached(one.at_least);
    if (!fresh && now < one.deadline && !all) {
      later.push_back(std::move(one));
      continue;
    }
    auto page = sqlite::answer(*file_, one.what);
    if (page)
      page->stale = !fresh;
    else if (page.error().code == "views_corrupt")
      note_damage(page.error());
    one.ready(std::move(page));
  }
  waiting = std::move(later);
}

// After damage applying goes on at the next start only: a later batch must not hide a missing one.
void owner::note_damage(const failure& why) {
  log::error("views", "the view file refused a change or an answer",
             {{"code", std::string_view(why.code)}, {"why", std::string_view(why.message)}});
  if (why.code != "views_corrupt")
    return;
  broken_ = true;
  pending_sweep_ = nullptr;
  std::deque<batch> dropped; // ends outside of the lock
  {
    const std::lock_guard lock(mutex_);
    useless_ = true;
    dropped.swap(queue_);
    room_.notify_all();
  }
  pending_claim_.set(0);
  const int file = ::open(damage_mark(path_).c_str(), O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
  if (file >= 0)
    ::close(file);
}

} // namespace

result<std::unique_ptr<sqlite_views>> open_views(const std::string& path,
                                                 const views_options& options) {
  auto opened = sqlite::open_file(path, options);
  if (!opened)
    return opened.error();
  const auto cache = "PRAGMA cache_size=-" + std::to_string(options.cache_bytes / 1024);
  if (auto set = opened->file->script(cache.c_str()); !set)
    return set.error();
  std::map<partition_id, std::uint64_t> applied;
  auto read = opened->file->each_row("SELECT partition, applied FROM positions", {},
                                     [&](const sqlite::row& found) {
                                       applied[static_cast<partition_id>(found.integer(0))] =
                                           static_cast<std::uint64_t>(found.integer(1));
                                     });
  if (!read)
    return read.error();
  return std::unique_ptr<sqlite_views>(
      std::make_unique<owner>(path, std::move(*opened), std::move(applied), options.budget));
}

} // namespace troupe

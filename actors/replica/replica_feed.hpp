// Keeps the lists of a node up with the log, whoever proposed an entry.
#pragma once

#include "persistence/store/store.hpp"
#include "persistence/store/views.hpp"

#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace troupe {

/// How rows are made from what is stored. Called on the feed's thread; may block. What failed is
/// tried again a second later; names may come more than once.
struct feed_steps {
  /// Whether the views take rows now; while they do not, notes gather.
  std::function<bool()> may_show;
  std::function<result<void>(partition_id, const std::vector<std::string>& names)> show;
  /// What the entries behind `after`, up to `to`, changed. Code "log_trimmed": they are gone.
  std::function<result<void>(partition_id, std::uint64_t after, std::uint64_t to)> show_log;
  /// Everything of a partition; rows of what is not stored any more go.
  std::function<result<void>(partition_id)> show_all;
};

//   partition:  idle ──applied()──► behind ──all shown, the position moved──► idle
//
//   idle:    rows of own proposals go straight on
//   behind:  own proposals leave their names too: rows are made of what is stored, never older

/// The views as the engine sees them, and the notes of what others changed. A position moves only
/// when everything up to it is shown. Thread-safe.
class replica_feed final : public views {
public:
  /// `heads`: what each partition's log has applied before the first note, control first.
  replica_feed(std::shared_ptr<views> inner, const std::vector<std::uint64_t>& heads);
  ~replica_feed() override { stop(); }

  void start(feed_steps how);
  /// Ends the thread. What is not shown is found in the log at the next start. Idempotent.
  void stop();

  /// As log_follower's. Never blocks. True: rows may have come as a whole.
  bool applied(partition_id partition, std::uint64_t index,
               const std::vector<std::string_view>& changed);

  void apply(partition_id partition, std::uint64_t index,
             std::vector<view_change> changes) override;
  std::uint64_t applied(partition_id partition) const override {
    return inner_->applied(partition);
  }
  void query(view_query what, std::vector<position> at_least, std::chrono::milliseconds wait,
             page_ready ready) override;
  std::size_t lag() const override;
  void clear() override { inner_->clear(); }
  void sweep(partition_id partition, row_filter stays) override {
    inner_->sweep(partition, std::move(stays));
  }
  bool wait_for_room(std::size_t changes, std::chrono::milliseconds wait) override {
    return inner_->wait_for_room(changes, wait);
  }

  /// Beyond, the names of a partition are read from the log again.
  static constexpr std::size_t names_max = 20'000;
  static constexpr std::size_t names_a_step = 200;
  /// A run's rows are made of its whole history, so one that changes often is shown now and then;
  /// at once where somebody waits, and of control.
  static constexpr std::chrono::milliseconds gather{100};

private:
  using clock = std::chrono::steady_clock;
  struct notes {
    std::uint64_t after = 0, index = 0; ///< the entries that they are of; index 0: none
    bool from_log = false, all = false; ///< instead of names
    std::set<std::string> names;
    bool any() const noexcept { return index > 0; }
  };
  struct place {
    std::uint64_t last = 0; ///< entry that was heard of
    notes queued, shown;    ///< shown: being shown
    clock::time_point begin_at{}, retry_at{};
    bool behind() const noexcept { return queued.any() || shown.any(); }
  };
  struct task {
    partition_id partition{};
    notes what;
    std::vector<std::string> names;
  };

  static void add(notes& to, std::uint64_t index, std::set<std::string> names);
  void let_gather(place& at) const;
  void work();
  place* next(clock::time_point now);
  task begin(place& at);
  result<void> perform(const task& step) const;
  void end(place& at, const task& step, const result<void>& done);

  const std::shared_ptr<views> inner_;
  feed_steps how_;
  mutable std::mutex mutex_;
  std::condition_variable wake_;
  std::vector<place> places_;
  std::size_t turn_ = 0;
  bool closing_ = false;
  std::thread thread_;
};

} // namespace troupe

// The views as actors see them: live changes pass, unless the rows are being read anew.
#pragma once

#include "persistence/store/views.hpp"

#include <atomic>
#include <mutex>

namespace troupe {

//   open ──drop()──► dropping ──hold()──► holding ──open()──► open
//                        ▲                    │ too much was held
//                        └────────────────────┘

/// What is dropped is not lost: the log names it, and whoever rebuilds looks there before hold().
/// Thread-safe; queries and positions go straight on.
class gated_views final : public views {
public:
  explicit gated_views(views& inner) : inner_(inner) {}

  /// Before anybody applies.
  void drop();
  /// Changes wait from now on, at most `held_max`; beyond, all are dropped again.
  void hold();
  /// Gives on what was held, then lets everything through. False: it had become too much, and
  /// changes are dropped again.
  bool open();
  bool is_open() const noexcept { return open_.load(std::memory_order_acquire); }

  void apply(partition_id partition, std::uint64_t index,
             std::vector<view_change> changes) override;
  std::uint64_t applied(partition_id partition) const override { return inner_.applied(partition); }
  void query(view_query what, std::vector<position> at_least, std::chrono::milliseconds wait,
             page_ready ready) override {
    inner_.query(std::move(what), std::move(at_least), wait, std::move(ready));
  }
  std::size_t lag() const override { return inner_.lag(); }
  void clear() override { inner_.clear(); }
  /// Passes the gate: what is not stored is in no list, whatever is being read.
  void sweep(partition_id partition, row_filter stays) override {
    inner_.sweep(partition, std::move(stays));
  }
  bool wait_for_room(std::size_t changes, std::chrono::milliseconds wait) override {
    return inner_.wait_for_room(changes, wait);
  }

  static constexpr std::size_t held_max = 50'000; ///< changes

private:
  struct batch {
    partition_id partition{};
    std::uint64_t index = 0;
    std::vector<view_change> changes;
  };

  views& inner_;
  std::atomic<bool> open_{true};
  std::mutex mutex_;
  bool holding_ = false;
  std::size_t count_ = 0;
  std::vector<batch> held_;
};

} // namespace troupe

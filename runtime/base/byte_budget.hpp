// One budget of bytes a node: who holds how much, and what may still be admitted.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string_view>
#include <utility>

namespace troupe {

/// Who holds the bytes; the label `kind` of the metrics.
enum class budget_kind : std::uint8_t {
  bodies,   ///< requests that are read or handled, answers that are sent
  streams,  ///< queues of subscribers: event streams and WebSockets
  requests, ///< parsed requests, until they are answered or durable
  runs,     ///< executions in memory
  blobs,    ///< large values on their way into the store
  log,      ///< proposals that wait for the disk
  views,    ///< changes that wait for the views
  tasks,    ///< tasks of workers, waiting or leased
  calls,    ///< HTTP calls of steps: requests that wait, answers that come
};
inline constexpr std::size_t budget_kinds = 9;
std::string_view to_text(budget_kind kind) noexcept;

/// Thread-safe; every function is a few relaxed atomics. The budget refuses nothing by itself: who
/// holds bytes counts them, who admits work asks. Outlives everybody who counts.
///
///   0 ──────────────── 80 % ─────────── 95 % ──────► bytes_max
///     everything goes   no new work     bodies wait too
class byte_budget {
public:
  explicit byte_budget(std::uint64_t bytes_max) noexcept
      : bytes_max_(bytes_max), admits_below_(bytes_max / 100 * 80),
        reads_below_(bytes_max / 100 * 95) {}
  byte_budget(const byte_budget&) = delete;
  byte_budget& operator=(const byte_budget&) = delete;

  void add(budget_kind kind, std::size_t bytes) noexcept {
    auto& held = slots_[index(kind)];
    raise(held.high, held.used.fetch_add(bytes, std::memory_order_relaxed) + bytes);
    raise(high_, used_.fetch_add(bytes, std::memory_order_relaxed) + bytes);
  }
  void sub(budget_kind kind, std::size_t bytes) noexcept {
    slots_[index(kind)].used.fetch_sub(bytes, std::memory_order_relaxed);
    const auto left = used_.fetch_sub(bytes) - bytes;
    if (left < reads_below_ && wanted_.load())
      tell_relief();
  }

  /// Whether new work (starts, signals) may come.
  bool admits() const noexcept { return used() < admits_below_; }
  /// Whether bodies may be read on.
  bool reads() const noexcept { return used() < reads_below_; }
  /// Whether new work could come if nobody held bytes of this kind.
  bool admits_without(budget_kind kind) const noexcept {
    return used() < admits_below_ + used(kind);
  }

  std::uint64_t bytes_max() const noexcept { return bytes_max_; }
  std::uint64_t used() const noexcept { return used_.load(std::memory_order_relaxed); }
  std::uint64_t used(budget_kind kind) const noexcept {
    return slots_[index(kind)].used.load(std::memory_order_relaxed);
  }
  /// The most that was held at once, since the start.
  std::uint64_t high() const noexcept { return high_.load(std::memory_order_relaxed); }
  std::uint64_t high(budget_kind kind) const noexcept {
    return slots_[index(kind)].high.load(std::memory_order_relaxed);
  }

  /// Set once, before `want_relief`. Called on the thread that gave bytes back; must not block.
  void on_relief(std::function<void()> told) { told_ = std::move(told); }
  /// Asks for one call of `on_relief` as soon as reads() may be true again.
  void want_relief() noexcept;

  /// What was refused or made to wait because of the budget, since the start.
  std::atomic<std::uint64_t> work_refused{0}, bodies_refused{0}, bodies_paused{0};

private:
  struct alignas(64) slot {
    std::atomic<std::uint64_t> used{0}, high{0};
  };
  static std::size_t index(budget_kind kind) noexcept { return static_cast<std::size_t>(kind); }
  static void raise(std::atomic<std::uint64_t>& high, std::uint64_t now) noexcept {
    auto seen = high.load(std::memory_order_relaxed);
    while (now > seen && !high.compare_exchange_weak(seen, now, std::memory_order_relaxed)) {
    }
  }
  void tell_relief() noexcept;

  const std::uint64_t bytes_max_, admits_below_, reads_below_;
  std::array<slot, budget_kinds> slots_;
  alignas(64) std::atomic<std::uint64_t> used_{0};
  std::atomic<std::uint64_t> high_{0};
  std::atomic<bool> wanted_{false};
  std::function<void()> told_;
};

/// Bytes that its owner holds, given back at the latest when it ends. Without a budget it does
/// nothing. Move-only; not thread-safe itself.
class byte_claim {
public:
  byte_claim() = default;
  byte_claim(byte_budget* of, budget_kind kind, std::size_t bytes = 0) noexcept
      : of_(of), kind_(kind) {
    set(bytes);
  }
  byte_claim(byte_claim&& other) noexcept
      : of_(other.of_), kind_(other.kind_), bytes_(std::exchange(other.bytes_, 0)) {}
  byte_claim& operator=(byte_claim&& other) noexcept {
    if (this != &other) {
      set(0);
      of_ = other.of_;
      kind_ = other.kind_;
      bytes_ = std::exchange(other.bytes_, 0);
    }
    return *this;
  }
  ~byte_claim() { set(0); }

  void set(std::size_t bytes) noexcept {
    if (of_ == nullptr || bytes == bytes_)
      return;
    if (bytes > bytes_)
      of_->add(kind_, bytes - bytes_);
    else
      of_->sub(kind_, bytes_ - bytes);
    bytes_ = bytes;
  }
  std::size_t bytes() const noexcept { return bytes_; }

private:
  byte_budget* of_ = nullptr;
  budget_kind kind_ = budget_kind::bodies;
  std::size_t bytes_ = 0;
};

} // namespace troupe

// What other threads may read of a partition while the log's thread works on it.
#pragma once

#include "persistence/store/store.hpp"

#include <atomic>
#include <cstdint>

namespace troupe::raft {

/// What other threads may read of a partition. One word each, so that none is read in the middle.
class partition_board {
public:
  std::uint64_t applied() const noexcept { return applied_.load(std::memory_order_acquire); }
  leadership leads() const noexcept;
  bool may_act(std::uint64_t term, std::uint64_t now_ms) const noexcept;

  void set_applied(std::uint64_t index) noexcept {
    applied_.store(index, std::memory_order_release);
  }
  void set_leads(const leadership& now) noexcept;
  void set_contact_until(std::uint64_t ms) noexcept { contact_until_ms_ = ms; }

private:
  std::atomic<std::uint64_t> applied_{0}, leads_{0}, contact_until_ms_{0};
};

} // namespace troupe::raft

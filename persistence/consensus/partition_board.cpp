#include "persistence/consensus/partition_board.hpp"

namespace troupe::raft {

namespace {

// Leadership as one word: term (40 bits), node (23 bits), here (1 bit).
constexpr unsigned node_bits = 23;
constexpr std::uint64_t node_mask = (std::uint64_t{1} << node_bits) - 1;

} // namespace

leadership partition_board::leads() const noexcept {
  const auto word = leads_.load(std::memory_order_acquire);
  return {word >> (node_bits + 1), (word >> 1) & node_mask, (word & 1) != 0};
}

void partition_board::set_leads(const leadership& now) noexcept {
  leads_.store((now.term << (node_bits + 1)) | ((now.leader & node_mask) << 1) | (now.here ? 1 : 0),
               std::memory_order_release);
}

bool partition_board::may_act(std::uint64_t term, std::uint64_t now_ms) const noexcept {
  const auto now = leads();
  return now.here && now.term == term && now_ms < contact_until_ms_;
}

} // namespace troupe::raft

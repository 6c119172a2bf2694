#include "net/cluster/peer_queue.hpp"
#include "net/cluster/wire.hpp"

namespace troupe::cluster {

namespace {

/// What a waiting message costs beside its bytes, about: millions of empty ones are bounded too.
constexpr std::size_t waiting_overhead = 64;

constexpr std::array lanes_in_order{lane::consensus, lane::request, lane::bulk};

std::size_t index_of(lane in) noexcept {
  return static_cast<std::size_t>(in) - 1;
}

/// Up to where a lane may fill a batch; the rest is for the lanes behind it.
std::size_t fill_goal(lane in) noexcept {
  constexpr std::array goals{batch_bytes_goal / 4 * 3, batch_bytes_goal / 8 * 7, batch_bytes_goal};
  return goals[index_of(in)];
}

} // namespace

bool peer_queue::push(lane in, std::string&& bytes) {
  const auto cost = bytes.size() + waiting_overhead;
  if (bytes.size() > limits_.message_bytes_max || index_of(in) >= waiting_.size() ||
      cost > limits_.queued_bytes_max - queued_bytes_)
    return false;
  waiting_[index_of(in)].push_back(std::move(bytes));
  queued_bytes_ += cost;
  return true;
}

bool peer_queue::fits(std::size_t used, std::size_t need, lane in,
                      std::size_t bulk) const noexcept {
  const auto taken = on_the_way_ + used;
  if (taken != 0 && taken + need > limits_.unacknowledged_bytes_max)
    return false;
  const auto bulk_taken = bulk_on_the_way_ + bulk;
  return in != lane::bulk || bulk_taken == 0 ||
         bulk_taken + need <= limits_.unacknowledged_bytes_max / 4;
}

bool peer_queue::take_lane(lane in, batch& out, std::size_t& bulk) {
  auto& waiting = waiting_[index_of(in)];
  for (bool first = true; !waiting.empty() && (first || out.bytes < fill_goal(in)); first = false) {
    const auto need = waiting.front().size() + message_header_bytes;
    if (!fits(out.bytes, need, in, bulk))
      return false;
    out.bytes += need;
    bulk += in == lane::bulk ? need : 0;
    queued_bytes_ -= waiting.front().size() + waiting_overhead;
    out.messages.push_back({in, std::move(waiting.front())});
    waiting.pop_front();
  }
  return true;
}

batch peer_queue::take() {
  batch out;
  std::size_t bulk = 0;
  for (const auto in : lanes_in_order)
    if (!take_lane(in, out, bulk))
      break; // the lanes behind must not take the credit that its message waits for
  if (out.bytes > 0) {
    sent_total_ += out.bytes;
    on_the_way_ += out.bytes;
    bulk_on_the_way_ += bulk;
    sent_.push_back({sent_total_, bulk});
  }
  return out;
}

bool peer_queue::acknowledge(std::uint64_t bytes) noexcept {
  if (bytes < acknowledged_total_ || bytes > sent_total_)
    return false;
  on_the_way_ -= static_cast<std::size_t>(bytes - acknowledged_total_);
  acknowledged_total_ = bytes;
  while (!sent_.empty() && sent_.front().end <= bytes) {
    bulk_on_the_way_ -= sent_.front().bulk_bytes;
    sent_.pop_front();
  }
  return true;
}

std::size_t peer_queue::clear() noexcept {
  std::size_t dropped = 0;
  for (auto& lane_of : waiting_) {
    dropped += lane_of.size();
    lane_of.clear();
  }
  *this = peer_queue(limits_);
  return dropped;
}

} // namespace troupe::cluster

#include "net/cluster/peer_book.hpp"

namespace troupe::cluster {

peer_record::peer_record(peer_address address, const queue_limits& limits) : queue_(limits) {
  status_.address = std::move(address);
}

bool peer_record::send(lane in, std::string&& bytes) {
  const std::lock_guard lock(mutex_);
  if (status_.connected && queue_.push(in, std::move(bytes)))
    return true;
  ++status_.dropped_messages;
  return false;
}

peer_status peer_record::status() const {
  const std::lock_guard lock(mutex_);
  auto out = status_;
  out.queued_bytes = queue_.queued_bytes();
  out.unacknowledged_bytes = queue_.unacknowledged_bytes();
  return out;
}

peer_address peer_record::address() const {
  const std::lock_guard lock(mutex_);
  return status_.address;
}

void peer_record::move_to(const peer_address& address) {
  const std::lock_guard lock(mutex_);
  status_.address = address;
}

void peer_record::connected(const peer_identity& who) {
  const std::lock_guard lock(mutex_);
  queue_.clear();
  status_.connected = true;
  status_.identity = who;
  status_.refused.clear();
}

void peer_record::disconnected() {
  const std::lock_guard lock(mutex_);
  status_.connected = false;
  status_.dropped_messages += queue_.clear();
}

void peer_record::refused(std::string why) {
  const std::lock_guard lock(mutex_);
  status_.refused = std::move(why);
}

batch peer_record::take() {
  const std::lock_guard lock(mutex_);
  auto out = queue_.take();
  status_.sent_messages += out.messages.size();
  status_.sent_bytes += out.bytes;
  return out;
}

bool peer_record::acknowledge(std::uint64_t bytes) {
  const std::lock_guard lock(mutex_);
  return queue_.acknowledge(bytes);
}

void peer_record::count_received(std::size_t bytes) {
  const std::lock_guard lock(mutex_);
  status_.received_bytes += bytes;
}

void peer_book::set(const std::vector<peer_address>& nodes, node_number self) {
  std::map<node_number, std::shared_ptr<peer_record>> next;
  const std::unique_lock lock(mutex_);
  for (const auto& one : nodes) {
    if (one.node == self || one.node == 0 || next.contains(one.node))
      continue;
    const auto known = records_.find(one.node);
    if (known == records_.end()) {
      next.emplace(one.node, std::make_shared<peer_record>(one, limits_));
      continue;
    }
    known->second->move_to(one);
    next.emplace(*known);
  }
  records_.swap(next);
}

std::shared_ptr<peer_record> peer_book::find(node_number node) const {
  const std::shared_lock lock(mutex_);
  const auto found = records_.find(node);
  return found == records_.end() ? nullptr : found->second;
}

std::map<node_number, std::shared_ptr<peer_record>> peer_book::all() const {
  const std::shared_lock lock(mutex_);
  return records_;
}

} // namespace troupe::cluster

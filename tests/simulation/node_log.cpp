#include "tests/simulation/node_log.hpp"

#include "persistence/store/refusals.hpp"

namespace troupe::test {

node_log::node_log(const raft::driver_options& how, sim_disk& disk, raft::raft_network& network,
                   const sim_clock& clock)
    : disk_(disk), clock_(clock), driver_(how, disk, network), partitions_(how.partitions + 1u) {}

void node_log::propose(proposal what, proposal_done done) {
  if (!dead_)
    proposals_.emplace_back(std::move(what), std::move(done));
}

std::uint64_t node_log::applied(partition_id partition) const {
  return number(partition) < partitions_ ? driver_.board(partition).applied() : 0;
}

replicated_log::queue_size node_log::queued() const {
  queue_size size;
  size.proposals = proposals_.size();
  size.refusing = disk_.refusing();
  return size;
}

void node_log::trim_log(partition_id partition, std::uint64_t up_to_index) {
  if (!dead_)
    trims_.emplace_back(partition, up_to_index);
}

leadership node_log::leads(partition_id partition) const {
  return number(partition) < partitions_ ? driver_.board(partition).leads()
                                         : leadership{0, 0, false};
}

bool node_log::may_act(partition_id partition, std::uint64_t term) const {
  return number(partition) < partitions_ && driver_.board(partition).may_act(term, now());
}

void node_log::follow(log_follower* who) {
  driver_.follow(who);
}

result<void> node_log::work() {
  auto messages = std::exchange(messages_, {});
  auto proposals = std::exchange(proposals_, {});
  for (const auto& [partition, up_to] : std::exchange(trims_, {}))
    driver_.trim(partition, up_to);
  if (stuck_) {
    messages.clear();
    for (auto& [one, done] : std::exchange(proposals, {}))
      done(storage_full());
  }
  for (const auto& [from, bytes] : messages)
    if (auto done = driver_.receive(now(), from, bytes); !done)
      return done;
  for (auto& [one, done] : proposals)
    driver_.propose(std::move(one), std::move(done));
  auto done = driver_.run(now());
  stuck_ = !done && done.error().code == "storage_full";
  return stuck_ ? result<void>{} : done;
}

} // namespace troupe::test

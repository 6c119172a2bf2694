#include "persistence/consensus/raft_driver.hpp"

#include "persistence/consensus/raft_codec.hpp"
#include "persistence/store/refusals.hpp"

#include <algorithm>

namespace troupe::raft {

namespace {

constexpr std::uint64_t members_every_ms = 100;
/// Leaderships that move for balance do so one after the other.
constexpr std::uint64_t rebalance_every_ms = 250;
/// A write that takes a while: others may have come meanwhile, or it is time to beat.
constexpr std::size_t long_write_bytes = std::size_t{1} << 20;

partition_options options_for(const driver_options& how, std::size_t partition) {
  partition_options out;
  out.group.self = how.self;
  out.group.election_timeout_ms = how.election_timeout_ms;
  out.group.heartbeat_ms = how.heartbeat_ms;
  out.large = how.large;
  out.rebalance_after_ms = how.rebalance_after_ms;
  out.group.seed = how.seed + static_cast<std::uint32_t>(partition) * 7'919;
  return out;
}

bool frees_space(const proposal& what) noexcept {
  for (const auto* rows : {&what.facts, &what.derived})
    for (const auto& row : *rows)
      if (row.range_end)
        return true;
  return false;
}

} // namespace

/// An empty log begins with its members; a former one ends in a snapshot, which holds them.
std::vector<row_change> first_rows(partition_id partition, const membership& members,
                                   const log_head& head) {
  constexpr term_number first_term = 1;
  std::vector<row_change> rows{
      {table::log_meta, ballot_key(partition), encode(ballot{first_term, 0}), {}}};
  if (head.applied == 0) {
    rows.push_back({table::log,
                    log_key(partition, 1),
                    encode(logged_entry{first_term, static_cast<std::uint8_t>(entry_kind::members),
                                        encode(members)}),
                    {}});
    return rows;
  }
  // The library sends nothing to new members where the snapshot ends with the first entry.
  const auto index = std::max<log_index>(head.applied, 2);
  rows.push_back({table::log_meta,
                  snapshot_key(partition),
                  encode(snapshot_mark{index, first_term, members, index}),
                  {}});
  rows.push_back(
      {table::log_meta, log_head_key(partition), encode(log_head{index, head.audit}), {}});
  return rows;
}

raft_driver::raft_driver(const driver_options& options, row_store& rows, raft_network& network)
    : options_(options), rows_(rows), network_(network) {
  for (std::size_t i = 0; i <= options.partitions; ++i) {
    boards_.push_back(std::make_unique<partition_board>());
    partitions_.push_back(std::make_unique<raft_partition>(
        static_cast<partition_id>(i), options_for(options, i), rows, *boards_.back()));
  }
}

result<void> raft_driver::open(std::uint64_t now_ms) {
  for (auto& one : partitions_)
    if (auto done = one->open(now_ms); !done)
      return done;
  return {};
}

void raft_driver::propose(proposal what, proposal_done done) {
  check(number(what.partition) < partitions_.size(),
        "a proposal names a partition that is not there");
  if (rows_.refusing() && !frees_space(what))
    return done(storage_full());
  auto& to = *partitions_[number(what.partition)];
  to.propose(std::move(what), std::move(done));
}

result<void> raft_driver::receive(std::uint64_t now_ms, node_number from, std::string_view bytes) {
  result<void> done;
  read_messages(bytes, from, options_.self, [&](partition_id partition, wire_message what) {
    if (done && number(partition) < partitions_.size())
      done = partitions_[number(partition)]->receive(now_ms, from, std::move(what));
  });
  return done;
}

void raft_driver::trim(partition_id partition, std::uint64_t up_to_index) {
  if (number(partition) < partitions_.size())
    trims_[partition] = std::max(trims_[partition], up_to_index);
}

result<void> raft_driver::tick(std::uint64_t now_ms) {
  for (auto& one : partitions_)
    if (auto done = one->tick(now_ms); !done)
      return done;
  for (const auto& [partition, up_to] : std::exchange(trims_, {}))
    if (auto done = partitions_[number(partition)]->trim(now_ms, up_to); !done)
      return done;
  if (now_ms < members_at_ms_)
    return {};
  members_at_ms_ = now_ms + members_every_ms;
  const auto of_control = wanted_of_control();
  for (auto& one : partitions_) {
    const auto& wanted = one == partitions_.front() ? of_control : wanted_;
    const auto moved = one->keep_members(now_ms, wanted, now_ms >= rebalance_at_ms_);
    if (!moved)
      return moved.error();
    if (*moved)
      rebalance_at_ms_ = now_ms + rebalance_every_ms;
  }
  return {};
}

/// A node that leaves does so from control last: there it hears that others are to lead.
std::vector<wanted_member> raft_driver::wanted_of_control() const {
  auto out = wanted_;
  const auto knows = [](const auto& members, node_number node) {
    return std::any_of(members.begin(), members.end(),
                       [&](const auto& one) { return one.node == node; });
  };
  if (out.empty())
    return out;
  for (const auto& member : partitions_.front()->replica().members())
    if (!knows(wanted_, member.node) &&
        std::any_of(partitions_.begin() + 1, partitions_.end(), [&](const auto& other) {
          return knows(other->replica().members(), member.node);
        }))
      out.push_back({member.node, member.role, false});
  return out;
}

result<void> raft_driver::run(std::uint64_t now_ms) {
  if (unwritten_) {
    if (auto done = write(); !done)
      return done;
    for (auto& one : partitions_)
      if (auto told = one->written(now_ms, follower_); !told)
        return told;
  }
  if (auto done = tick(now_ms); !done)
    return done;
  for (busy_ = false; !busy_;) {
    const auto more = round(now_ms);
    if (!more)
      return more.error();
    if (!*more)
      return {};
  }
  return {};
}

result<bool> raft_driver::submit(std::uint64_t now_ms) {
  std::size_t away = 0;
  for (auto& one : partitions_)
    away += one->parts_on_the_way();
  // At least one part: with nothing on its way there must be room for it.
  auto room = away == 0 ? std::max(options_.parts_bytes_max, options_.large.part_bytes)
                        : options_.parts_bytes_max - std::min(options_.parts_bytes_max, away);
  bool any = false;
  first_ = (first_ + 1) % partitions_.size();
  for (std::size_t i = 0; i < partitions_.size(); ++i) {
    const auto done = partitions_[(first_ + i) % partitions_.size()]->submit(now_ms, room);
    if (!done)
      return done;
    any = any || *done;
  }
  return any;
}

/// False: there was nothing to do.
result<bool> raft_driver::round(std::uint64_t now_ms) {
  const auto submitted = submit(now_ms);
  if (!submitted)
    return submitted;
  bool any = *submitted;
  for (auto& one : partitions_) {
    const auto work = one->gather(now_ms, writing_);
    if (!work)
      return work.error();
    any = any || *work;
  }
  send_messages(true);
  if (auto done = write(); !done)
    return done.error();
  send_messages(false);
  for (auto& one : partitions_)
    if (auto done = one->written(now_ms, follower_); !done)
      return done.error();
  return any;
}

result<void> raft_driver::write() {
  if (writing_.rows.empty())
    return {};
  busy_ = writing_.stored_bytes + writing_.applied_bytes > long_write_bytes;
  unwritten_ = true;
  if (auto done = rows_.write_batch(writing_.rows, writing_.durable); !done)
    return done;
  unwritten_ = false;
  writing_ = {};
  return {};
}

void raft_driver::send_messages(bool early) {
  std::map<node_number, byte_writer> out;
  for (auto& one : partitions_) {
    if (early)
      one->send_early(out);
    else
      one->send_late(out);
  }
  for (auto& [to, bytes] : out)
    network_.send(to, bytes.take());
  if (early)
    return;
  for (std::size_t i = 0; i < partitions_.size(); ++i)
    for (const auto& [to, part] : partitions_[i]->take_parts()) {
      byte_writer bytes;
      write_message(bytes, static_cast<partition_id>(i), part);
      network_.send_bulk(to, bytes.take());
    }
}

std::uint64_t raft_driver::deadline_ms() const {
  if (busy_)
    return 0;
  std::uint64_t earliest = members_at_ms_;
  for (const auto& one : partitions_)
    earliest = std::min(earliest, one->deadline_ms());
  return (earliest + options_.tick_ms - 1) / options_.tick_ms * options_.tick_ms;
}

void raft_driver::close(const failure& why) {
  for (auto& one : partitions_)
    one->close(why);
}

} // namespace troupe::raft

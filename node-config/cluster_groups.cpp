#include "node-config/cluster_groups.hpp"

#include "runtime/base/log.hpp"

#include <cstdlib>
#include <random>

namespace troupe {

namespace {

std::uint64_t random_number() {
  std::random_device device;
  return (std::uint64_t{device()} << 32) | device();
}

/// Rows of a node that begins its cluster, whatever it stored while it was alone.
result<void> found_groups(rocks_store& store, cluster::node_number self) {
  const auto begun = store.get(table::log_meta, raft::ballot_key(partition_id{0}));
  if (!begun || *begun)
    return begun ? result<void>{} : result<void>(begun.error());
  std::vector<row_change> rows;
  for (std::uint16_t p = 0; p <= store.partitions(); ++p) {
    const auto head = store.head(partition_id{p});
    if (!head)
      return head.error();
    for (auto& row : raft::first_rows(partition_id{p}, {{self, raft::member_role::voter}}, *head))
      rows.push_back(std::move(row));
  }
  return store.write_batch(std::move(rows), true);
}

/// The log contradicts itself: whatever is acknowledged is on other nodes.
void end_process(const failure& why) {
  log::write(log::level::critical, "log", "the log cannot go on; the process ends",
             {{"code", std::string_view(why.code)}, {"why", std::string_view(why.message)}});
  std::_Exit(71);
}

} // namespace

void network_slot::open(cluster::peers* to) {
  const std::lock_guard lock(mutex_);
  to_ = to;
}

void network_slot::send(raft::node_number to, std::string bytes) {
  (void)pass(to, cluster::lane::consensus, std::move(bytes));
}

void network_slot::send_bulk(raft::node_number to, std::string bytes) {
  (void)pass(to, cluster::lane::bulk, std::move(bytes));
}

bool network_slot::pass(cluster::node_number to, cluster::lane in, std::string bytes) {
  const std::lock_guard lock(mutex_);
  return to_ && to_->send(to, in, std::move(bytes));
}

result<std::unique_ptr<raft::raft_log>> open_groups(const node_settings& settings,
                                                    const cluster_files& files, rocks_store& store,
                                                    byte_budget& budget, network_slot& network) {
  if (files.peers.empty())
    if (auto founded = found_groups(store, files.node); !founded)
      return founded.error();
  raft::raft_log_options how;
  how.driver.self = files.node;
  how.driver.partitions = store.partitions();
  how.driver.election_timeout_ms = settings.cluster_election_timeout_ms;
  how.driver.heartbeat_ms = settings.cluster_heartbeat_ms;
  how.driver.seed = static_cast<std::uint32_t>(random_number());
  how.budget = &budget;
  how.fatal = end_process;
  return raft::raft_log::open(std::move(how), store, network);
}

result<std::unique_ptr<cluster::peers>> open_peers(const node_settings& settings,
                                                   const cluster_files& files,
                                                   cluster::peer_events& events) {
  const auto paths = cluster_paths_of(settings.data_dir);
  cluster::peers_options options;
  options.host = files.host;
  options.port = files.port;
  options.authority_file = paths.authority;
  options.certificate_file = paths.certificate;
  options.key_file = paths.key;
  options.self.cluster_id = files.cluster_id;
  options.self.node = files.node;
  options.self.incarnation = std::to_string(random_number());
  options.self.version = TROUPE_VERSION;
  options.message_bytes_max = std::size_t{64} << 20; // an entry may carry a large value
  options.queued_bytes_max = std::size_t{128} << 20;
  auto started = cluster::start_peers(options, events);
  if (!started)
    return started.error();
  std::vector<cluster::peer_address> known;
  for (const auto& one : files.peers)
    known.push_back(one.address);
  (*started)->set(std::move(known));
  return started;
}

} // namespace troupe

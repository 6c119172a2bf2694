#include "node-config/cluster_groups.hpp"

#include "node-config/cluster_rules.hpp"
#include "persistence/rocks/migrations.hpp"
#include "runtime/base/log.hpp"

#include <algorithm>
#include <array>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <thread>

namespace troupe {

namespace {

constexpr std::size_t lives_max = 64;
constexpr milliseconds hand_over_max{2'000}, hand_over_look{10};

std::string joined(const std::vector<std::string>& words) {
  std::string out;
  for (const auto& one : words)
    out += (out.empty() ? "" : ",") + one;
  return out;
}

std::string new_life() {
  std::array<char, 9> text{};
  std::snprintf(text.data(), text.size(), "%08x", std::random_device{}());
  return text.data();
}

failure ended(std::string_view code, std::string why) {
  return {failure_kind::conflict,
          std::string(code),
          std::move(why),
          "Join anew with an empty data directory: `troupe cluster join --help`.",
          {}};
}

/// Rows of a node that begins its cluster, whatever it stored while it was alone.
result<void> found_groups(rocks_store& store, cluster::node_number self, std::uint32_t level) {
  const auto begun = store.get(table::log_meta, raft::ballot_key(partition_id{0}));
  if (!begun || *begun)
    return begun ? result<void>{} : result<void>(begun.error());
  if (auto raised = store.raise_feature_level(level); !raised)
    return raised;
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

build_level build_level_of(const node_settings& settings) {
  if (settings.test_release == 0)
    return {};
  return {settings.test_release, settings.test_release};
}

result<void> begin_life(const std::string& data_dir, const rocks_store& store,
                        cluster_files& files) {
  if (!files.ended_code.empty())
    return ended(files.ended_code, files.ended_why);
  const auto id = store.get(table::system, rocks::store_id_key);
  if (!id)
    return id.error();
  const auto here = id->value_or("");
  if (!files.store.empty() && files.store != here)
    return ended(code_data_lost,
                 "The data of node " + std::to_string(files.node) +
                     " is gone, and with it what it had promised the others: its number cannot be "
                     "used again.");
  files.store = here;
  files.lives.push_back(new_life());
  if (files.lives.size() > lives_max)
    files.lives.erase(files.lives.begin(), files.lives.end() - lives_max);
  return save_cluster_files(data_dir, files);
}

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

std::vector<cluster::node_number> network_slot::connected() {
  std::vector<cluster::node_number> out;
  const std::lock_guard lock(mutex_);
  if (to_)
    for (const auto& one : to_->status())
      if (one.connected)
        out.push_back(one.address.node);
  return out;
}

result<std::unique_ptr<raft::raft_log>> open_groups(const node_settings& settings,
                                                    const cluster_files& files, rocks_store& store,
                                                    byte_budget& budget, network_slot& network) {
  if (files.peers.empty())
    if (auto founded = found_groups(store, files.node, build_level_of(settings).features); !founded)
      return founded.error();
  raft::raft_log_options how;
  how.driver.self = files.node;
  how.driver.partitions = store.partitions();
  how.driver.election_timeout_ms = settings.cluster_election_timeout_ms;
  how.driver.heartbeat_ms = settings.cluster_heartbeat_ms;
  how.driver.rebalance_after_ms = settings.cluster_rebalance_ms;
  how.driver.seed = std::random_device{}();
  how.budget = &budget;
  how.fatal = end_process;
  return raft::raft_log::open(std::move(how), store, network);
}

result<std::unique_ptr<cluster::peers>> open_peers(const node_settings& settings,
                                                   const cluster_files& files,
                                                   cluster::peer_events& events,
                                                   peer_judge objects) {
  const auto paths = cluster_paths_of(settings.data_dir);
  cluster::peers_options options;
  options.host = files.host;
  options.port = files.port;
  options.authority_file = paths.authority;
  options.certificate_file = paths.certificate;
  options.key_file = paths.key;
  options.self.cluster_id = files.cluster_id;
  options.self.node = files.node;
  options.self.incarnation = files.lives.back();
  options.self.lives = joined(files.lives);
  options.self.store = files.store;
  options.self.recovery = files.recovery;
  options.self.version = TROUPE_VERSION;
  options.self.release = build_level_of(settings).release;
  options.self.feature_level = build_level_of(settings).features;
  options.objects = std::move(objects);
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

void hand_over(raft::raft_log& log, std::vector<raft::wanted_member> wanted,
               cluster::node_number self, std::uint16_t partitions,
               const std::vector<cluster::peer_status>& peers) {
  bool others = false;
  for (auto& one : wanted) {
    one.leads = one.leads && one.node != self;
    others = others || std::any_of(peers.begin(), peers.end(), [&](const auto& peer) {
               return one.leads && peer.connected && peer.address.node == one.node;
             });
  }
  if (!others)
    return;
  log.want(std::move(wanted));
  const auto until = std::chrono::steady_clock::now() + hand_over_max;
  const auto leads = [&] {
    for (std::uint16_t p = 0; p <= partitions; ++p) {
      const auto now = log.leads(partition_id{p});
      if (now.here || now.leader == self || now.leader == 0) // 0: on its way
        return true;
    }
    return false;
  };
  while (leads() && std::chrono::steady_clock::now() < until)
    std::this_thread::sleep_for(hand_over_look);
}

} // namespace troupe

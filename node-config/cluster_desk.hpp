// The documents of a cluster in control: who is a member, who is invited, how far the feature level
// is. Whichever node is asked, the write goes to where control is led.
#pragma once

#include "actors/peers/link_desk.hpp"
#include "net/cluster/peers.hpp"
#include "node-config/cluster_members.hpp"
#include "node-config/membership.hpp"
#include "persistence/consensus/raft_log.hpp"

#include <functional>
#include <map>
#include <mutex>
#include <set>

namespace troupe {

inline constexpr std::string_view features_document = "features";

/// Thread-safe, once it is open.
class cluster_desk {
public:
  /// What other threads may ask of the connections.
  using link_view = std::function<std::vector<cluster::peer_status>()>;

  /// Calls a function a little later, on another thread; false: never, because the node stops.
  using postpone = std::function<bool(std::function<void()>)>;

  /// `files`: what of them never changes. `level` is what this build knows.
  cluster_desk(const cluster_files& files, std::uint32_t release, std::uint32_t level,
               std::uint16_t partitions, link_desk& links)
      : files_(files), release_(release), level_(level), partitions_(partitions), links_(links),
        authority_key_(files.authority_key) {}

  void open(engine_port& engine, raft::raft_log& log, link_view peers, postpone later);
  void close();

  /// After a recovery, until the list is written anew: this node alone.
  cluster_members members() const;
  /// Of the cluster; 0: it was not written yet.
  std::uint32_t feature_level() const;

  // Who comes second with a document tries again with what the first made of it.
  void invite(reply<json::value> answer) { invite(std::move(answer), tries_max); }
  void join(const json::value& body, reply<json::value> answer) {
    join(body, std::move(answer), tries_max);
  }
  void drain(std::uint64_t node, bool on, reply<json::value> answer);
  /// The node is taken out of the partitions from now on; forget() ends it.
  void remove(std::uint64_t node, reply<json::value> answer);
  /// Raises the level to what all members know: {feature_level, before}.
  void finalize(reply<json::value> answer);

  /// Where control is led: takes nodes off the list that no partition has any more.
  void forget_left(const std::vector<raft::partition_status>& status);
  /// Where control is led and no level was written yet.
  void begin_features(std::uint32_t level);
  /// Every member may let others in: one that joined asks those that are connected for the key of
  /// the authority. `keep` gets it on any thread, perhaps more than once.
  void fetch_authority(std::function<void(const std::string& key)> keep);
  bool has_authority() const;

  /// True: the list says of this node what is so. Else it is being written.
  bool announce(const cluster_member& self);

private:
  void write(std::string_view document, std::uint64_t version, json::value body,
             reply<done_at> answer);
  void write_here(const std::string& bytes, node_link::answer back);
  using members_change = std::function<result<void>(cluster_members&)>;
  static constexpr unsigned tries_max = 50;
  void change(members_change how, reply<json::value> answer, unsigned tries = tries_max);
  void invite(reply<json::value> answer, unsigned tries);
  void join(const json::value& body, reply<json::value> answer, unsigned tries);
  bool again(const failure& why, unsigned tries, std::function<void()> what);
  cluster_files files() const;

  const cluster_files files_; ///< as this node started
  const std::uint32_t release_, level_;
  const std::uint16_t partitions_;
  link_desk& links_;
  engine_port* engine_ = nullptr;
  raft::raft_log* log_ = nullptr;
  link_view peers_;
  postpone later_;

  mutable std::mutex mutex_;
  std::string authority_key_;
};

} // namespace troupe

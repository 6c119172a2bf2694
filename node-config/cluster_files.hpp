// What a node of a cluster knows about itself, on disk: its number, its keys, where its peers are.
//
//   <data-dir>/cluster/
//     node.json           format, cluster, number, where it listens, where its peers were last seen
//     authority.pem       whom this node trusts
//     authority-key.pem   by which nodes are let in; a new member gets it from the others
//     node.pem            the node's certificate
//     node-key.pem        its key
//
// All with mode 0600. The folder is there whole or not at all, also after a crash. It is no part of
// a backup: two nodes with one number would break the cluster.
#pragma once

#include "net/cluster/peers.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// Where nodes listen for each other unless told otherwise.
inline constexpr std::uint16_t cluster_port_default = 7071;

struct cluster_peer {
  cluster::peer_address address;
  std::string http_url; ///< where its clients reach it; may be empty: not known yet
  friend bool operator==(const cluster_peer&, const cluster_peer&) = default;
};

struct cluster_files {
  std::string cluster_id; ///< a UUID
  cluster::node_number node = 0;
  std::uint16_t partitions = 0;   ///< of the cluster; 0: this node founded it
  std::string created_by;         ///< version of Troupe
  std::uint32_t recovery = 0;     ///< how often the cluster went on without a lost majority
  bool survivor = false;          ///< this node is the one that went on the last time
  std::string store;              ///< the data that belongs to this number; empty: none yet
  std::vector<std::string> lives; ///< incarnations of this node, the last ones
  std::string roles;              ///< that it joined with; empty: all
  std::string ended_code;         ///< it is no member any more, and why; empty: it is
  std::string ended_why;
  std::string host;                ///< listens here for peers, and is reached here by them
  std::uint16_t port = 0;          ///< not 0
  std::vector<cluster_peer> peers; ///< the others, as last seen; where to look first
  std::string authority_certificate;
  std::string authority_key; ///< empty: this node cannot let others in
  std::string certificate, key;
};

/// For what wants files rather than texts (`cluster::peers_options`).
struct cluster_paths {
  std::string folder, description, authority, authority_key, certificate, key;
};
cluster_paths cluster_paths_of(const std::string& data_dir);

/// True for a node of a cluster, also when its files are damaged: it must not start alone. Like
/// load and save it first finishes what a crash interrupted; one process at a time.
result<bool> cluster_files_exist(const std::string& data_dir);

/// Of the cluster that this node was let into; 0: of none, or it founded it. Before the store of a
/// new data directory is opened.
std::uint16_t partitions_of_cluster(const std::string& data_dir);

/// Reads and checks everything. Failures name the file and what to do: "cluster_file_missing",
/// "cluster_file_damaged", "cluster_file_newer", "cluster_key_exposed" (others may read a key),
/// "certificate_invalid" (expired, of another cluster, node, authority or key).
result<cluster_files> load_cluster_files(const std::string& data_dir);

/// Writes them durably, in one step: after a crash the old or the new ones are there. Refuses what
/// load_cluster_files() would refuse. `folder` is for copies that are kept.
result<void> save_cluster_files(const std::string& data_dir, const cluster_files& files,
                                const std::string& folder = "cluster");

/// The failures that load_cluster_files() has for the contents.
result<void> check_cluster_files(const cluster_files& files);

/// What a node does: `engine` keeps the log, leads and runs; `gateway` serves clients.
struct node_roles {
  bool engine = true, gateway = true;
  friend bool operator==(const node_roles&, const node_roles&) = default;
};
/// "engine,gateway" in any order; empty: both. Fails with code "roles_invalid".
result<node_roles> roles_from(std::string_view text);
std::string to_text(const node_roles& roles);

/// An address that other nodes can be told: a host name or an address of one machine, a port that
/// is not 0. Fails with kind `invalid`, code "address_invalid".
result<void> check_peer_address(std::string_view host, std::uint64_t port);

/// `[{node, host, port, http_url}]`, as in node.json and in the answer to a join.
json::array peers_json(const std::vector<cluster_peer>& peers);
/// Fails with code "peers_invalid"; a null pointer is no peers.
result<std::vector<cluster_peer>> peers_from(const json::value* peers);

/// The unsigned integer in a member; nothing where it is missing, another type or over `max`.
std::optional<std::uint64_t> unsigned_member(const json::value& of, std::string_view key,
                                             std::uint64_t max);

} // namespace troupe

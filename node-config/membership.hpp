// How a cluster begins and how a node is let in: what it asks, what it is told, and the checks on
// both sides. Values in, values out; no files, no network.
#pragma once

#include "net/cluster/certificates.hpp"
#include "node-config/cluster_files.hpp"
#include "node-config/invitations.hpp"
#include "runtime/base/release.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

namespace troupe {

/// The cluster's authority lives ten years and every certificate of a node as long as it does: a
/// node is put out by taking it off the list of members, never by waiting.
inline constexpr std::chrono::days cluster_certificates_valid{3'653};

/// A new cluster with this node as its first, number 1.
result<cluster_files> found_cluster(const std::string& host, std::uint16_t port, instant now);

/// The same node of the same cluster, alone: `recovery` grows, by which the lost nodes, should they
/// come back, are refused. Without the authority's key it makes a new authority beside the old one,
/// so that others can be let in.
result<cluster_files> recovered_alone(const cluster_files& before);

/// POST /api/v1/system/cluster/join
/// {"secret", "request", "cluster_address": {"host", "port"}, "http_url", "roles", "release",
/// "feature_level"}
struct join_request {
  std::string secret;  ///< of the token
  std::string request; ///< PEM; cluster and node are left open in it
  std::string host;
  std::uint16_t port = 0;
  std::string http_url; ///< may be empty
  std::string roles{};  ///< empty: all
  std::uint32_t release = release_newest, feature_level = feature_level_newest;
};
json::value to_json(const join_request& asked);
/// Fails with kind `invalid`, code "join_invalid" or "address_invalid".
result<join_request> join_request_from(const json::value& body);

/// {"cluster_id", "node", "partitions", "recovery", "authority", "certificate", "peers": [{node,
/// host, port, http_url}]}
struct join_answer {
  std::string cluster_id;
  cluster::node_number node = 0;
  std::uint16_t partitions = 0;       ///< content partitions of the cluster
  std::string authority, certificate; ///< PEM
  std::vector<cluster_peer> peers;
  std::uint32_t recovery = 0; ///< of the cluster
};
json::value to_json(const join_answer& answer);
/// Fails with kind `malformed`, code "join_answer_invalid".
result<join_answer> join_answer_from(const json::value& body);

/// What the members offer to a guest.
struct admission_offer {
  const cluster_files& by;           ///< of a node that has the authority's key
  std::vector<cluster_peer> members; ///< all of them, for the guest to find
  std::uint16_t partitions = 0;      ///< content partitions, which the guest must have too
  cluster::node_number node = 0;     ///< the guest's number; never used before
  std::uint32_t release = release_newest, feature_level = 1; ///< the members', the cluster's
};
/// Lets a node in: uses its invitation up and signs its key. `table` changes only where this
/// succeeds; store it before the answer is sent. Failures: those of invitations::redeem(),
/// "request_invalid", "authority_key_missing" (ask another node), "release_unfit".
result<join_answer> let_in(const admission_offer& offer, invitations& table,
                           const join_request& asked, instant now);

/// What a node that joins knows before it is answered.
struct joining_node {
  cluster::join_token token;
  std::string key; ///< PEM, of the request
  std::string host;
  std::uint16_t port = 0;
  std::string roles{};
};
/// Believes the answer only when its authority is the one that the token names and the certificate
/// is by that authority, for this key, cluster and number. Fails with kind `forbidden`, code
/// "authority_mismatch", or as check_cluster_files() does.
result<cluster_files> accept_answer(const joining_node& self, const join_answer& answer);

} // namespace troupe

// The cluster's own certificate authority, the certificates of its nodes, and the tokens by which
// a node is let in. PEM texts in, PEM texts out; no files.
#pragma once

#include "runtime/base/instant.hpp"
#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe::cluster {

struct authority {
  std::string certificate; ///< PEM
  std::string key;         ///< PEM; whoever has it can let nodes in
};

/// A new authority (P-256, self-signed, CA:TRUE) for one cluster. `cluster_id`: 1 to 63 letters,
/// digits, dots, dashes; otherwise "cluster_id_invalid". `valid`: at most 100 years (negative: it
/// ended already), otherwise "validity_invalid"; counted from now, and it began an hour ago,
/// because clocks differ.
result<authority> make_authority(std::string_view cluster_id, std::chrono::days valid);

struct signing_request {
  std::string request; ///< PEM, PKCS #10
  std::string key;     ///< PEM; stays on the node that made it
};
/// A new key (P-256) and the request to have it signed, with "node-<number>" as its name. A node
/// that does not know them yet leaves them open: an empty cluster, node 0.
result<signing_request> make_request(std::string_view cluster_id, std::uint64_t node);

/// The node's certificate for client and server, PEM; it ends with the authority at the latest. The
/// name in it comes from the arguments: what the request leaves open is filled in, nothing else is
/// taken over from it but the key. Fails with kind `invalid`, code "request_invalid", where the
/// request is damaged, its own signature is wrong, its key is not P-256 or it names another cluster
/// or node; with "authority_invalid" where the authority is damaged.
result<std::string> sign(const authority& by, std::string_view request, std::string_view cluster_id,
                         std::uint64_t node, std::chrono::days valid);

/// What a certificate says; true only when check_certificate() finds nothing.
struct certificate_facts {
  std::string cluster_id;
  std::uint64_t node = 0; ///< 0: the authority's own
  instant not_after;
};
result<certificate_facts> facts_of(std::string_view certificate);

/// SHA-256 of the certificate's DER form, lower-case hex. Fails with code "certificate_invalid".
result<std::string> fingerprint(std::string_view certificate);

/// Fails with code "certificate_invalid" and the reason in words: not signed by this authority,
/// expired or not yet valid, no node's certificate, another key.
result<void> check_certificate(std::string_view authority_certificate, std::string_view certificate,
                               std::string_view key);

/// Whether the key is the one of the (first) certificate.
bool is_pair(const authority& of);

/// What `troupe cluster invite` prints: single-use.
struct join_token {
  std::string authority_fingerprint; ///< hex
  std::string secret;                ///< 32 random bytes, hex
};
/// "troupe1." and base64url of both, 32 bytes each.
std::string to_text(const join_token& token);
/// Fails with code "token_invalid"; the message does not repeat the text.
result<join_token> join_token_from(std::string_view text);
/// From the system's random source. Fails with kind `internal`, code "no_randomness".
result<std::string> new_secret();

} // namespace troupe::cluster

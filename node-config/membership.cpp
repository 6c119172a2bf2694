#include "node-config/membership.hpp"

#include "runtime/base/encoding.hpp"
#include "runtime/base/ids.hpp"

#include <algorithm>

namespace troupe {

namespace {

constexpr std::size_t join_text_bytes_max = std::size_t{64} << 10;
constexpr std::size_t secret_bytes_max = 256;

result<std::string> new_cluster_id(instant now) {
  const auto random = cluster::new_secret();
  if (!random)
    return random.error();
  const auto bytes = from_hex(*random).value_or("");
  check(bytes.size() >= 10, "a secret has at least ten bytes");
  const auto bits = [&](std::size_t from, std::size_t count) {
    std::uint64_t out = 0;
    for (const char c : bytes.substr(from, count))
      out = (out << 8) | static_cast<unsigned char>(c);
    return out;
  };
  return to_text(make_uuid(now, static_cast<std::uint16_t>(bits(0, 2)), bits(2, 8)));
}

/// A new cluster around one node: its id, its authority and this node's certificate.
result<cluster_files> cluster_of_one(cluster::node_number node, const std::string& host,
                                     std::uint16_t port, instant now) {
  auto id = new_cluster_id(now);
  if (!id)
    return id.error();
  auto authority = cluster::make_authority(*id, cluster_certificates_valid);
  if (!authority)
    return authority.error();
  auto asked = cluster::make_request(*id, node);
  if (!asked)
    return asked.error();
  auto certificate =
      cluster::sign(*authority, asked->request, *id, node, cluster_certificates_valid);
  if (!certificate)
    return certificate.error();
  cluster_files files;
  files.cluster_id = std::move(*id);
  files.node = node;
  files.created_by = TROUPE_VERSION;
  files.host = host;
  files.port = port;
  files.authority_certificate = std::move(authority->certificate);
  files.authority_key = std::move(authority->key);
  files.certificate = std::move(*certificate);
  files.key = std::move(asked->key);
  return files;
}

failure join_answer_refused(const std::string& why) {
  return {failure_kind::malformed,
          "join_answer_invalid",
          "The node's answer cannot be understood: " + why,
          "Is there a node of the same release at that address?",
          {}};
}

} // namespace

result<cluster_files> found_cluster(const std::string& host, std::uint16_t port, instant now) {
  if (auto fits = check_peer_address(host, port); !fits)
    return fits.error();
  return cluster_of_one(1, host, port, now);
}

result<cluster_files> recovered_alone(const cluster_files& before) {
  auto files = before;
  files.recovery += 1;
  files.survivor = true;
  files.peers.clear();
  files.ended_code.clear();
  files.ended_why.clear();
  if (!files.authority_key.empty())
    return files;
  auto authority = cluster::make_authority(before.cluster_id, cluster_certificates_valid);
  if (!authority)
    return authority.error();
  // This node's own certificate stays the old authority's, which the lost nodes trust: a connection
  // comes about, and they can be told why they are refused.
  files.authority_certificate = authority->certificate + before.authority_certificate;
  files.authority_key = std::move(authority->key);
  return files;
}

json::value to_json(const join_request& asked) {
  return json::object{{"secret", asked.secret},
                      {"request", asked.request},
                      {"cluster_address", json::object{{"host", asked.host}, {"port", asked.port}}},
                      {"http_url", asked.http_url},
                      {"roles", asked.roles},
                      {"release", asked.release},
                      {"feature_level", asked.feature_level}};
}

namespace {

/// Of a former release, which did not say: 1.
std::uint32_t level_in(const json::value& body, std::string_view key) {
  return static_cast<std::uint32_t>(unsigned_member(body, key, UINT32_MAX).value_or(1));
}

result<void> check_release(const admission_offer& offer, const join_request& asked) {
  const auto a = offer.release, b = asked.release;
  const auto apart = a > b ? a - b : b - a;
  if (apart <= 1 && asked.feature_level >= offer.feature_level)
    return {};
  return failure{failure_kind::conflict,
                 "release_unfit",
                 apart > 1
                     ? "Releases " + std::to_string(b) + " and " + std::to_string(a) +
                           " do not work together: they may differ by one."
                     : "The cluster is at feature level " + std::to_string(offer.feature_level) +
                           ", and the node's build knows " + std::to_string(asked.feature_level) +
                           " only.",
                 "Join with the release that the other nodes run.",
                 {}};
}

} // namespace

result<join_request> join_request_from(const json::value& body) {
  join_request asked;
  asked.secret = json::text_or(body, "secret", "");
  asked.request = json::text_or(body, "request", "");
  asked.http_url = json::text_or(body, "http_url", "");
  if (asked.secret.empty() || asked.secret.size() > secret_bytes_max)
    return invalid("join_invalid", "secret: the one of a join token is needed.");
  if (asked.request.empty() || asked.request.size() > join_text_bytes_max)
    return invalid("join_invalid", "request: a certificate request as PEM is needed.");
  const auto* address = json::find(body, "cluster_address");
  if (!address)
    return invalid("join_invalid", "cluster_address: {host, port} is needed.");
  asked.host = json::text_or(*address, "host", "");
  const auto port = unsigned_member(*address, "port", UINT16_MAX).value_or(0);
  if (auto fits = check_peer_address(asked.host, port); !fits)
    return fits.error();
  asked.port = static_cast<std::uint16_t>(port);
  asked.roles = json::text_or(body, "roles", "");
  asked.release = level_in(body, "release");
  asked.feature_level = level_in(body, "feature_level");
  if (!roles_from(asked.roles))
    return roles_from(asked.roles).error();
  const auto url = std::string_view{asked.http_url};
  if (!url.empty() &&
      (url.size() > 2'048 || !(url.starts_with("http://") || url.starts_with("https://"))))
    return invalid("join_invalid", "http_url: it must begin with http:// or https://.");
  return asked;
}

json::value to_json(const join_answer& answer) {
  return json::object{{"cluster_id", answer.cluster_id},   {"node", answer.node},
                      {"partitions", answer.partitions},   {"authority", answer.authority},
                      {"certificate", answer.certificate}, {"peers", peers_json(answer.peers)},
                      {"recovery", answer.recovery}};
}

result<join_answer> join_answer_from(const json::value& body) {
  join_answer answer;
  answer.cluster_id = json::text_or(body, "cluster_id", "");
  answer.node = unsigned_member(body, "node", UINT64_MAX).value_or(0);
  answer.partitions =
      static_cast<std::uint16_t>(unsigned_member(body, "partitions", 4'095).value_or(0));
  answer.authority = json::text_or(body, "authority", "");
  answer.certificate = json::text_or(body, "certificate", "");
  auto peers = peers_from(json::find(body, "peers"));
  if (!peers)
    return join_answer_refused(peers.error().message);
  answer.peers = std::move(*peers);
  answer.recovery =
      static_cast<std::uint32_t>(unsigned_member(body, "recovery", UINT32_MAX).value_or(0));
  if (!uuid_from_text(answer.cluster_id) || answer.node == 0 || answer.partitions == 0)
    return join_answer_refused("it names no cluster, no number or no partitions.");
  if (answer.authority.empty() || answer.certificate.empty())
    return join_answer_refused("it has no certificate.");
  return answer;
}

result<join_answer> let_in(const admission_offer& offer, invitations& table,
                           const join_request& asked, instant now) {
  if (offer.by.authority_key.empty())
    return failure{failure_kind::unavailable,
                   "authority_key_missing",
                   "This node cannot let others in yet: it has not got the authority's key.",
                   "Try again in a moment, or ask another node.",
                   {}};
  if (auto fits = check_release(offer, asked); !fits)
    return fits.error();
  auto after = table;
  if (auto redeemed = after.redeem(asked.secret, now); !redeemed)
    return redeemed.error();
  auto certificate =
      cluster::sign({offer.by.authority_certificate, offer.by.authority_key}, asked.request,
                    offer.by.cluster_id, offer.node, cluster_certificates_valid);
  if (!certificate)
    return certificate.error();
  table = std::move(after);
  return join_answer{
      offer.by.cluster_id,     offer.node,    offer.partitions, offer.by.authority_certificate,
      std::move(*certificate), offer.members, offer.by.recovery};
}

result<cluster_files> accept_answer(const joining_node& self, const join_answer& answer) {
  const auto print = cluster::fingerprint(answer.authority);
  if (!print || *print != self.token.authority_fingerprint)
    return failure{failure_kind::forbidden,
                   "authority_mismatch",
                   "The answer comes from another cluster than the token, or from somebody in "
                   "between.",
                   "Check the address. Treat the token as known to others and make a new one with "
                   "`troupe cluster invite`.",
                   {}};
  cluster_files files;
  files.cluster_id = answer.cluster_id;
  files.node = answer.node;
  files.partitions = answer.partitions;
  files.created_by = TROUPE_VERSION;
  files.host = self.host;
  files.port = self.port;
  files.peers = answer.peers;
  std::erase_if(files.peers, [&](const auto& one) { return one.address.node == answer.node; });
  files.authority_certificate = answer.authority;
  files.certificate = answer.certificate;
  files.key = self.key;
  files.recovery = answer.recovery;
  files.roles = self.roles;
  if (auto fits = check_cluster_files(files); !fits)
    return fits.error();
  return files;
}

} // namespace troupe

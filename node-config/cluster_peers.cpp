// Addresses of peers as JSON.
#include "node-config/cluster_files.hpp"

#include <algorithm>
#include <set>

namespace troupe {

namespace {

constexpr std::size_t cluster_peers_max = 1'000;
constexpr std::size_t peer_url_bytes_max = 2'048;
constexpr std::size_t host_bytes_max = 253;

failure peers_refused(std::string why) {
  return invalid("peers_invalid", std::move(why));
}

result<cluster_peer> peer_from(const json::value& one) {
  cluster_peer peer;
  peer.address.node = unsigned_member(one, "node", UINT64_MAX).value_or(0);
  peer.address.host = json::text_or(one, "host", "");
  const auto port = unsigned_member(one, "port", UINT16_MAX).value_or(0);
  peer.http_url = json::text_or(one, "http_url", "");
  if (peer.address.node == 0)
    return peers_refused("A peer has no number.");
  if (auto fits = check_peer_address(peer.address.host, port); !fits)
    return peers_refused(fits.error().message);
  if (peer.http_url.size() > peer_url_bytes_max)
    return peers_refused("A peer's http_url is too long.");
  peer.address.port = static_cast<std::uint16_t>(port);
  return peer;
}

} // namespace

std::optional<std::uint64_t> unsigned_member(const json::value& of, std::string_view key,
                                             std::uint64_t max) {
  const auto* member = json::find(of, key);
  std::uint64_t number = 0;
  if (member && member->is_uint64())
    number = member->get_uint64();
  else if (member && member->is_int64() && member->get_int64() >= 0)
    number = static_cast<std::uint64_t>(member->get_int64());
  else
    return std::nullopt;
  return number <= max ? std::optional{number} : std::nullopt;
}

result<void> check_peer_address(std::string_view host, std::uint64_t port) {
  const bool plain = std::all_of(host.begin(), host.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
           std::string_view{"-._:%"}.find(c) != std::string_view::npos;
  });
  if (host.empty() || host.size() > host_bytes_max || !plain)
    return invalid("address_invalid", "The host is neither a name nor an address.");
  if (host == "0.0.0.0" || host == "::" || host == "0")
    return invalid("address_invalid", "The host stands for every address of a machine.",
                   "Name the one address by which the other nodes reach this one.");
  if (port == 0 || port > UINT16_MAX)
    return invalid("address_invalid", "The port is not between 1 and 65535.");
  return {};
}

result<node_roles> roles_from(std::string_view text) {
  if (text.empty())
    return node_roles{};
  node_roles out{false, false};
  for (std::size_t at = 0; at <= text.size();) {
    const auto end = std::min(text.find(',', at), text.size());
    const auto word = text.substr(at, end - at);
    if (word != "engine" && word != "gateway")
      return invalid("roles_invalid", "Roles are engine, gateway or both: engine,gateway.");
    (word == "engine" ? out.engine : out.gateway) = true;
    at = end + 1;
  }
  return out;
}

std::string to_text(const node_roles& roles) {
  return roles.engine && roles.gateway ? "engine,gateway" : roles.engine ? "engine" : "gateway";
}

json::array peers_json(const std::vector<cluster_peer>& peers) {
  json::array out;
  for (const auto& peer : peers)
    out.push_back(json::object{{"node", peer.address.node},
                               {"host", peer.address.host},
                               {"port", peer.address.port},
                               {"http_url", peer.http_url}});
  return out;
}

result<std::vector<cluster_peer>> peers_from(const json::value* peers) {
  std::vector<cluster_peer> out;
  if (!peers)
    return out;
  if (!peers->is_array() || peers->get_array().size() > cluster_peers_max)
    return peers_refused("It is not a list, or too long a one.");
  std::set<cluster::node_number> seen;
  for (const auto& one : peers->get_array()) {
    auto peer = peer_from(one);
    if (!peer)
      return peer.error();
    if (!seen.insert(peer->address.node).second)
      return peers_refused("A peer is there twice.");
    out.push_back(std::move(*peer));
  }
  return out;
}

} // namespace troupe

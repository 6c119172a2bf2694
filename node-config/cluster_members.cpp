#include "node-config/cluster_members.hpp"

#include <algorithm>

namespace troupe {

namespace {

bool flag_in(const json::value& of, std::string_view key) {
  const auto* flag = json::find(of, key);
  return flag && flag->is_bool() && flag->get_bool();
}

std::uint32_t number_in(const json::value& of, std::string_view key, std::uint32_t otherwise) {
  return static_cast<std::uint32_t>(unsigned_member(of, key, UINT32_MAX).value_or(otherwise));
}

} // namespace

const cluster_member* cluster_members::find(cluster::node_number node) const noexcept {
  const auto at = std::find_if(all.begin(), all.end(),
                               [&](const auto& one) { return one.at.address.node == node; });
  return at == all.end() ? nullptr : &*at;
}

bool cluster_members::put(const cluster_member& member) {
  const auto node = member.at.address.node;
  next = std::max(next, node + 1);
  if (const auto* known = find(node)) {
    if (*known == member)
      return false;
    std::erase_if(all, [&](const auto& one) { return one.at.address.node == node; });
  }
  all.push_back(member);
  std::sort(all.begin(), all.end(),
            [](const auto& a, const auto& b) { return a.at.address.node < b.at.address.node; });
  return true;
}

bool cluster_members::remove(cluster::node_number node) {
  return std::erase_if(all, [&](const auto& one) { return one.at.address.node == node; }) > 0;
}

json::value cluster_members::to_json() const {
  json::array items;
  for (const auto& one : all) {
    auto item = std::move(peers_json({one.at}).front().get_object());
    item["draining"] = one.draining;
    item["leaving"] = one.leaving;
    item["roles"] = to_text(one.roles);
    item["release"] = one.release;
    item["feature_level"] = one.feature_level;
    item["store"] = one.store;
    item["life"] = one.life;
    items.push_back(std::move(item));
  }
  return json::object{
      {"format", 1}, {"next_node", next}, {"recovery", recovery}, {"members", std::move(items)}};
}

cluster_members cluster_members::from(const std::optional<document>& stored) {
  cluster_members out;
  if (!stored)
    return out;
  out.version = stored->version;
  out.next = unsigned_member(stored->body, "next_node", UINT64_MAX).value_or(1);
  out.recovery = number_in(stored->body, "recovery", 0);
  const auto* items = json::find(stored->body, "members");
  const auto peers = peers_from(items);
  if (!items || !peers)
    return out;
  for (std::size_t i = 0; i < peers->size(); ++i) {
    const auto& from = items->get_array()[i];
    cluster_member one{(*peers)[i]};
    one.draining = flag_in(from, "draining");
    one.leaving = flag_in(from, "leaving");
    if (const auto roles = roles_from(json::text_or(from, "roles", "")))
      one.roles = *roles;
    one.release = number_in(from, "release", 1);
    one.feature_level = number_in(from, "feature_level", 1);
    one.store = json::text_or(from, "store", "");
    one.life = json::text_or(from, "life", "");
    out.put(one);
  }
  return out;
}

} // namespace troupe

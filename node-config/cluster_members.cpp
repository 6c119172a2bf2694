#include "node-config/cluster_members.hpp"

#include <algorithm>

namespace troupe {

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
    items.push_back(std::move(item));
  }
  return json::object{{"format", 1}, {"next_node", next}, {"members", std::move(items)}};
}

cluster_members cluster_members::from(const std::optional<document>& stored) {
  cluster_members out;
  if (!stored)
    return out;
  out.version = stored->version;
  out.next = unsigned_member(stored->body, "next_node", UINT64_MAX).value_or(1);
  const auto* items = json::find(stored->body, "members");
  const auto peers = peers_from(items);
  if (!items || !peers)
    return out;
  for (std::size_t i = 0; i < peers->size(); ++i) {
    const auto* draining = json::find(items->get_array()[i], "draining");
    out.put({(*peers)[i], draining && draining->is_bool() && draining->get_bool()});
  }
  return out;
}

} // namespace troupe

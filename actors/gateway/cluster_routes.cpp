// Handlers of the cluster: its nodes, who comes and who goes.
#include "actors/gateway/listing.hpp"
#include "actors/gateway/relayed_call.hpp"
#include "persistence/store/refusals.hpp"

#include <charconv>

namespace troupe::gate {

namespace {

failure no_cluster() {
  return {failure_kind::conflict,
          "no_cluster",
          "This node belongs to no cluster.",
          "Stop it, run `troupe cluster init` on its data directory and start it again.",
          {}};
}

/// The cluster; refuses on a node that is alone.
cluster_port* cluster_of(const call_ptr& c) {
  auto* out = c->home->settings.cluster;
  if (out == nullptr)
    c->refuse(no_cluster());
  return out;
}

/// The number in the path; refuses what is none.
std::optional<std::uint64_t> node_of(const call_ptr& c) {
  const auto text = c->match.parameter("id");
  std::uint64_t node = 0;
  const auto [at, ec] = std::from_chars(text.data(), text.data() + text.size(), node);
  if (ec == std::errc{} && at == text.data() + text.size() && node > 0)
    return node;
  c->refuse(not_found("node_not_found", "The cluster has no such node."));
  return std::nullopt;
}

reply<json::value> body_answer(const call_ptr& c, unsigned status) {
  return then<json::value>(c, [c, status](const json::value& v) {
    c->json(status, v.is_null() ? json::value(json::object{}) : v);
  });
}

json::object alone(const call_ptr& c) {
  const auto status = c->engine().status();
  return {{"id", json::string(json::text_or(status, "node_id", "local"))},
          {"self", true},
          {"version", json::string(c->home->settings.version)},
          {"status", c->engine().ready() ? "ready" : "starting"}};
}

void system_nodes(const call_ptr& c) {
  const auto asked = rest::page_of(c->request);
  if (!asked)
    return c->refuse(asked.error());
  auto* cluster = c->home->settings.cluster;
  const auto all = cluster == nullptr ? json::value(json::array{alone(c)}) : cluster->nodes();
  auto text = rest::page_text(items_of(all, "nodes"), *asked);
  if (!text)
    return c->refuse(text.error());
  const auto* partitions = json::find(all, "partitions");
  check(text->ends_with('}'), "a page is an object");
  text->pop_back();
  *text += R"(,"partitions":)";
  json::write(*text, partitions == nullptr ? json::value(json::array{}) : *partitions);
  for (const auto* name : {"cluster_id", "feature_level", "recovery"})
    if (const auto* member = json::find(all, name)) {
      *text += R"(,")" + std::string(name) + R"(":)";
      json::write(*text, *member);
    }
  *text += '}';
  c->json_text(200, std::move(*text));
}

void drain_node(const call_ptr& c) {
  auto* cluster = cluster_of(c);
  if (cluster == nullptr)
    return;
  rest::fields in(c->body);
  const bool on = in.flag("draining", true);
  if (const auto fault = in.fault())
    return c->refuse(*fault);
  if (const auto node = node_of(c))
    cluster->drain(*node, on, body_answer(c, 200));
}

void remove_node(const call_ptr& c) {
  auto* cluster = cluster_of(c);
  if (cluster == nullptr)
    return;
  if (const auto node = node_of(c))
    cluster->remove(*node, body_answer(c, 200));
}

void finalize_cluster(const call_ptr& c) {
  if (auto* cluster = cluster_of(c))
    cluster->finalize(body_answer(c, 200));
}

void invite_node(const call_ptr& c) {
  if (auto* cluster = cluster_of(c))
    cluster->invite(body_answer(c, 201));
}

void join_cluster(const call_ptr& c) {
  if (auto* cluster = cluster_of(c))
    cluster->join(json::value(std::move(c->body)), body_answer(c, 200));
}

std::uint64_t whole(const json::value& v, std::string_view name) {
  const auto* at = json::find(v, name);
  if (at == nullptr)
    return 0;
  return at->is_uint64()                         ? at->get_uint64()
         : at->is_int64() && at->get_int64() > 0 ? static_cast<std::uint64_t>(at->get_int64())
                                                 : 0;
}

/// 0: nobody, or not known.
std::uint64_t leader_of_control(const json::value& nodes) {
  const auto* partitions = json::find(nodes, "partitions");
  if (partitions == nullptr || !partitions->is_array())
    return 0;
  for (const auto& each : partitions->get_array())
    if (json::find(each, "partition") != nullptr && whole(each, "partition") == 0)
      return whole(each, "leader");
  return 0;
}

} // namespace

bool sent_to_control(const call_ptr& c) {
  auto* cluster = c->home->settings.cluster;
  if (cluster == nullptr || !c->home->other_nodes)
    return false;
  const auto leader = leader_of_control(cluster->nodes());
  return leader != 0 && leader != cluster->self() &&
         sent_elsewhere(c, not_leader({0, leader, false}));
}

std::vector<handler_row> cluster_handlers() {
  return {{"system_nodes", system_nodes}, {"drain_node", drain_node},
          {"remove_node", remove_node},   {"finalize_cluster", finalize_cluster},
          {"invite_node", invite_node},   {"join_cluster", join_cluster}};
}

} // namespace troupe::gate

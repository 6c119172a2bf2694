// The routes of the cluster, with a cluster and without.
#include "tests/gateway/relay_fixture.hpp"

namespace troupe::test {
namespace {

struct fake_cluster final : cluster_port {
  std::uint64_t self() const override { return number; }
  json::value nodes() const override {
    return json::object{
        {"items", json::array{json::object{{"node", 1}}, json::object{{"node", 2}}}},
        {"partitions", json::array{json::object{{"partition", 0}, {"leader", control}},
                                   json::object{{"partition", 1}, {"leader", 2}}}}};
  }
  void invite(reply<json::value> answer) override {
    answer(failure{failure_kind::conflict, "authority_key_missing", "Not here.", {}, {}});
  }
  void join(json::value body, reply<json::value> answer) override {
    said.push_back("join " + json::write(body));
    answer(json::value(json::object{{"node", 3}}));
  }
  void drain(std::uint64_t node, bool on, reply<json::value> answer) override {
    said.push_back((on ? "drain " : "fill ") + std::to_string(node));
    answer(json::value(nullptr));
  }
  void remove(std::uint64_t node, reply<json::value> answer) override {
    said.push_back("remove " + std::to_string(node));
    answer(json::value(json::object{{"removed", node}}));
  }
  void finalize(reply<json::value> answer) override {
    said.push_back("finalize");
    answer(json::value(json::object{{"feature_level", 2}, {"before", 1}}));
  }
  std::optional<failure> problem() const override { return why; }
  bool member() const override { return is_member; }

  std::uint64_t number = 2, control = 1;
  std::optional<failure> why;
  bool is_member = true;
  std::vector<std::string> said;
};

struct ClusterRoutes : ::testing::Test {
  fake_engine engine;
  fake_cluster cluster;
  std::unique_ptr<gateway> made;
  fake_client client;

  void open(gateway_settings how) {
    made = make_gateway(engine, std::move(how));
    client.handle = made->handlers();
  }
};

TEST_F(ClusterRoutes, ANodeAloneSaysSo) {
  open({});
  const auto nodes = client("GET", "/api/v1/system/nodes");
  EXPECT_EQ(nodes.status, 200u);
  EXPECT_EQ(body_of(nodes).at("items").as_array().size(), 1u);
  EXPECT_TRUE(body_of(nodes).at("partitions").as_array().empty());
  for (const auto& [verb, path] : {std::pair{"POST", "/api/v1/system/nodes/1/drain"},
                                   std::pair{"DELETE", "/api/v1/system/nodes/1"},
                                   std::pair{"POST", "/api/v1/system/cluster/invitations"},
                                   std::pair{"POST", "/api/v1/system/cluster/finalize"},
                                   std::pair{"POST", "/api/v1/system/cluster/join"}}) {
    const auto out = client(verb, path, "{}");
    EXPECT_EQ(out.status, 409u) << path;
    EXPECT_EQ(text_of(out, "code"), "no_cluster") << path;
    EXPECT_NE(text_of(out, "hint").find("cluster init"), std::string::npos) << path;
  }
}

TEST_F(ClusterRoutes, TheClusterIsAskedWhatTheRouteSays) {
  gateway_settings how;
  how.cluster = &cluster;
  how.password = "right";
  open(std::move(how));
  EXPECT_EQ(client("POST", "/api/v1/system/nodes/3/drain").status, 401u);
  EXPECT_EQ(client("POST", "/api/v1/system/cluster/join", R"({"secret":"s"})").status, 200u)
      << "the token stands for the password";
  client.headers = {{"authorization", "Bearer right"}};
  const auto nodes = body_of(client("GET", "/api/v1/system/nodes?limit=1"));
  EXPECT_EQ(nodes.at("items").as_array().size(), 1u);
  EXPECT_EQ(nodes.at("total_count").to_number<int>(), 2);
  EXPECT_EQ(nodes.at("partitions").as_array().size(), 2u);
  EXPECT_EQ(client("POST", "/api/v1/system/nodes/3/drain").status, 200u);
  EXPECT_EQ(client("POST", "/api/v1/system/nodes/3/drain", R"({"draining":false})").status, 200u);
  EXPECT_EQ(client("POST", "/api/v1/system/nodes/3/drain", R"({"draining":"no"})").status, 422u);
  EXPECT_EQ(client("DELETE", "/api/v1/system/nodes/4").body, R"({"removed":4})");
  for (const auto* bad : {"0", "x", "-1", "99999999999999999999"})
    EXPECT_EQ(client("DELETE", std::string("/api/v1/system/nodes/") + bad).status, 404u) << bad;
  EXPECT_EQ(client("POST", "/api/v1/system/cluster/finalize").body,
            R"({"feature_level":2,"before":1})");
  const auto invited = client("POST", "/api/v1/system/cluster/invitations");
  EXPECT_EQ(text_of(invited, "code"), "authority_key_missing");
  EXPECT_EQ(cluster.said, (std::vector<std::string>{R"(join {"secret":"s"})", "drain 3", "fill 3",
                                                    "remove 4", "finalize"}));
}

TEST_F(ClusterRoutes, ANodeThatIsNoMemberServesHealthOnly) {
  gateway_settings how;
  how.cluster = &cluster;
  open(std::move(how));
  EXPECT_EQ(client("GET", "/health/ready").status, 200u);
  cluster.why =
      failure{failure_kind::unavailable, "node_copied", "Node 1 refuses this node.", {}, {}};
  EXPECT_EQ(client("GET", "/health/ready").status, 503u);
  EXPECT_EQ(client("GET", "/health").status, 503u);
  EXPECT_EQ(client("GET", "/health/live").status, 200u);
  EXPECT_NE(client("GET", "/health").body.find("Node 1 refuses this node."), std::string::npos);
  EXPECT_EQ(client("GET", "/api/v1/system/nodes").status, 200u) << "it may be let in again";
  cluster.is_member = false;
  const auto refused = client("GET", "/api/v1/system/nodes");
  EXPECT_EQ(refused.status, 503u);
  EXPECT_EQ(text_of(refused, "code"), "node_copied");
  EXPECT_EQ(client("GET", "/metrics").status, 200u);
}

TEST_F(ClusterRoutes, ANodeWithoutTheRoleGatewayServesHealthOnly) {
  gateway_settings how;
  how.cluster = &cluster;
  how.serves_clients = false;
  open(std::move(how));
  EXPECT_EQ(client("GET", "/health/ready").status, 200u);
  EXPECT_EQ(client("GET", "/metrics").status, 200u);
  const auto refused = client("POST", "/api/v1/workflows", "{}");
  EXPECT_EQ(refused.status, 503u);
  EXPECT_EQ(text_of(refused, "code"), "not_a_gateway");
}

TEST_F(ClusterRoutes, WhatOnlyControlKnowsIsAskedThere) {
  link_hub hub;
  gateway_settings how;
  how.cluster = &cluster;
  relay_node one(hub, 1), two(hub, 2, std::move(how));
  for (const auto* path :
       {"/api/v1/skill-providers", "/api/v1/skills/available", "/api/v1/commands/registry"}) {
    hub.asked = 0;
    EXPECT_EQ(two("GET", path).status, 200u) << path;
    EXPECT_EQ(hub.asked, 1) << path;
  }
  cluster.control = 2; // this node
  EXPECT_EQ(two("GET", "/api/v1/skill-providers").status, 200u);
  cluster.control = 0; // nobody knows: what is known here is better than nothing
  EXPECT_EQ(two("GET", "/api/v1/skill-providers").status, 200u);
  EXPECT_EQ(hub.asked, 1);
}

} // namespace
} // namespace troupe::test

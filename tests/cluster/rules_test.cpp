// Who votes and leads, who is let in, who may go, how far the feature level may rise.
#include "node-config/cluster_rules.hpp"

#include <gtest/gtest.h>

#include <functional>

namespace troupe {
namespace {

cluster_member member(cluster::node_number node) {
  cluster_member out{{{node, "10.0.0." + std::to_string(node), 7071}, "http://h"}};
  out.store = "store" + std::to_string(node);
  out.life = "life" + std::to_string(node);
  return out;
}

cluster_members members(cluster::node_number count) {
  cluster_members out;
  out.version = 1;
  for (cluster::node_number node = 1; node <= count; ++node)
    out.put(member(node));
  return out;
}

cluster::peer_identity identity(cluster::node_number node) {
  cluster::peer_identity out;
  out.node = node;
  out.store = "store" + std::to_string(node);
  out.lives = "old,life" + std::to_string(node) + ",new";
  return out;
}

using parts = std::vector<member_part>;

template <class F> void change(cluster_members& all, cluster::node_number node, F how) {
  auto one = *all.find(node);
  how(one);
  all.put(one);
}

} // namespace

TEST(ClusterRules, TheFirstThreeEnginesVote) {
  auto all = members(5);
  EXPECT_EQ(parts_of(all), (parts{{1, true, true},
                                  {2, true, true},
                                  {3, true, true},
                                  {4, false, false},
                                  {5, false, false}}));
  change(all, 1, [](auto& one) { one.draining = true; });
  change(all, 2, [](auto& one) { one.leaving = true; });
  change(all, 3, [](auto& one) { one.roles.engine = false; });
  EXPECT_EQ(parts_of(all),
            (parts{{1, true, false}, {3, false, false}, {4, true, true}, {5, true, true}}));
}

TEST(ClusterRules, TheDocumentKeepsEverything) {
  auto all = members(3);
  all.recovery = 2;
  change(all, 2, [](auto& one) {
    one.draining = one.leaving = true;
    one.roles = {false, true};
    one.release = 3;
    one.feature_level = 4;
  });
  document stored{"cluster", "members", 7, all.to_json(), 0, 0};
  const auto back = cluster_members::from(stored);
  EXPECT_EQ(back.all, all.all);
  EXPECT_EQ(back.next, 4u);
  EXPECT_EQ(back.recovery, 2u);
  EXPECT_EQ(back.version, 7u);
}

TEST(ClusterRules, ThoseOfAFormerReleaseAreBothRolesAndLevelOne) {
  document stored{"cluster",
                  "members",
                  1,
                  *json::parse(R"({"format":1,"next_node":2,"members":[{"node":1,"host":"h",
                  "port":1,"http_url":"","draining":true}]})"),
                  0,
                  0};
  const auto back = cluster_members::from(stored);
  ASSERT_EQ(back.all.size(), 1u);
  EXPECT_EQ(back.all[0].roles, node_roles{});
  EXPECT_EQ(back.all[0].feature_level, 1u);
  EXPECT_TRUE(back.all[0].draining);
  EXPECT_EQ(back.recovery, 0u);
}

TEST(ClusterRules, SaysWhoIsNotLetIn) {
  struct row {
    std::function<void(cluster_members&, cluster::peer_identity&)> change;
    std::string code, words; ///< empty: let in
    std::uint32_t recovery = 0, level = 1;
  };
  const row rows[] = {
      {[](auto&, auto&) {}, "", ""},
      {[](auto&, auto& who) { who.store.clear(), who.lives.clear(); }, "", ""},
      {[](auto& all, auto&) { change(all, 2, [](auto& one) { one.store.clear(); }); }, "", ""},
      {[](auto& all, auto&) { change(all, 2, [](auto& one) { one.life.clear(); }); }, "", ""},
      {[](auto&, auto& who) { who.node = 9; }, "", ""}, // not yet heard of
      {[](auto& all, auto&) { all.remove(2); }, "node_removed", "Node 2 was removed"},
      {[](auto&, auto& who) { who.store = "other"; }, "data_lost", "has lost its data"},
      {[](auto&, auto& who) { who.lives = "old,copy"; }, "node_copied", "old copy"},
      {[](auto&, auto& who) { who.lives = "life22,xlife2"; }, "node_copied", "old copy"},
      {[](auto&, auto&) {}, "left_behind", "Node 2 was left behind", 1},
      {[](auto&, auto& who) { who.recovery = 1; }, "", "The node that was asked was left behind"},
      {[](auto&, auto& who) { who.recovery = 1; }, "", "", 1},
      {[](auto&, auto&) {}, "release_unfit", "knows feature level 1; the cluster is at 2", 0, 2},
      {[](auto&, auto& who) { who.feature_level = 3; }, "", "", 0, 2},
  };
  for (const auto& one : rows) {
    auto all = members(3);
    auto who = identity(2);
    one.change(all, who);
    const auto why = member_objection(all, one.recovery, one.level, who);
    EXPECT_EQ(why.has_value(), !one.words.empty()) << one.words << (why ? why->words : "");
    if (why) {
      EXPECT_NE(why->words.find(one.words), std::string::npos) << why->words;
      EXPECT_EQ(why->code, one.code) << why->words;
      EXPECT_LE(why->words.size(), 300u) << "cut on the wire";
    }
  }
}

TEST(ClusterRules, AMajorityOfThoseThatStayMustBeThere) {
  struct row {
    cluster::node_number count, leaves;
    std::set<cluster::node_number> connected;
    std::string code; ///< empty: it may
  };
  const row rows[] = {
      {1, 1, {1}, "last_node"},
      {1, 2, {1}, "node_not_found"},
      {2, 2, {1}, ""},
      {2, 1, {1}, "majority_needed"},
      {3, 3, {1, 2}, ""},
      {3, 3, {1}, "majority_needed"},
      {3, 2, {1, 2}, "majority_needed"},
      {4, 3, {1, 2}, ""},
  };
  for (const auto& one : rows) {
    const auto done = may_leave(members(one.count), one.leaves, one.connected);
    EXPECT_EQ(done ? "" : done.error().code, one.code) << one.count << " " << one.leaves;
  }
}

TEST(ClusterRules, TheLevelIsWhatAllKnow) {
  auto all = members(3);
  EXPECT_EQ(*final_level(all, {}), 1u);
  EXPECT_EQ(*final_level(all, {{1, 2}, {2, 2}, {3, 2}}), 2u);
  change(all, 3, [](auto& one) { one.feature_level = 2; }); // away, and of the new release
  EXPECT_EQ(*final_level(all, {{1, 2}, {2, 2}}), 2u);
  const auto behind = final_level(all, {{1, 2}});
  ASSERT_FALSE(behind);
  EXPECT_EQ(behind.error().code, "members_behind");
  EXPECT_NE(behind.error().message.find("node 2 knows 1"), std::string::npos);
  EXPECT_EQ(behind.error().message.find("node 3"), std::string::npos);
}

TEST(ClusterRules, RolesAreReadAndWritten) {
  EXPECT_EQ(*roles_from(""), (node_roles{true, true}));
  EXPECT_EQ(*roles_from("gateway,engine"), (node_roles{true, true}));
  EXPECT_EQ(*roles_from("gateway"), (node_roles{false, true}));
  EXPECT_EQ(to_text(*roles_from("engine")), "engine");
  for (const auto* bad : {",", "engine,", "Engine", "both", "engine gateway"})
    EXPECT_EQ(roles_from(bad).error().code, "roles_invalid") << bad;
}

} // namespace troupe

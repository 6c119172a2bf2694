// Bodies of loops and what hangs behind streaming nodes.
#include "tests/workflow/support.hpp"

namespace troupe::test {
namespace {

/// Nodes by one letter: l… is a loop, s… a streaming echo, others echoes. Edges
/// "from:port>to:port".
std::string graph(const std::vector<std::string>& ids, const std::vector<std::string>& edges) {
  json::array nodes, links;
  for (const auto& id : ids) {
    json::object n{{"id", id}, {"type", "SKILL"}, {"subtype", "ECHO"}};
    if (id.front() == 'l') {
      n["type"] = "FLOW";
      n["subtype"] = "LOOP";
    }
    if (id.front() == 's')
      n["streaming"] = true;
    nodes.push_back(n);
  }
  for (auto text : edges) {
    const bool is_static = text.back() == '!';
    if (is_static)
      text.pop_back();
    const auto arrow = text.find('>');
    const auto end = [](const std::string& part) {
      const auto colon = part.find(':');
      return std::pair(part.substr(0, colon),
                       colon == std::string::npos ? "main" : part.substr(colon + 1));
    };
    const auto [source, source_port] = end(text.substr(0, arrow));
    const auto [target, target_port] = end(text.substr(arrow + 1));
    links.push_back(json::object{{"source", source},
                                 {"source_port", source_port},
                                 {"target", target},
                                 {"target_port", target_port},
                                 {"is_static", is_static}});
  }
  return json::write(json::object{{"nodes", nodes}, {"edges", links}});
}

/// Ids of the nodes in the body of `owner`; "" is the root.
std::vector<std::string> members(const plan& p, const std::string& owner) {
  const region_index r = owner.empty() ? 0 : node_of(p, owner).body;
  std::vector<std::string> out;
  if (r < p.regions.size())
    for (const auto i : p.regions[r].nodes)
      out.push_back(p.nodes[i].id);
  return out;
}

using ids = std::vector<std::string>;

TEST(Regions, HoldTheBodyOfALoop) {
  const auto p = plan_of(graph({"a", "l", "b", "c", "z"},
                               {"a>l", "l:iteration>b", "b>c", "c>l:loop_body", "l:complete>z"}));
  ASSERT_EQ(p->regions.size(), 2U);
  EXPECT_EQ(members(*p, ""), (ids{"a", "l", "z"}));
  EXPECT_EQ(members(*p, "l"), (ids{"b", "c"}));
  EXPECT_EQ(p->regions[1].owner, find_node(*p, "l"));
  EXPECT_EQ(p->regions[1].parent, 0U);
  EXPECT_EQ(p->regions[1].closing, (std::vector<std::uint32_t>{3}));
  EXPECT_TRUE(p->edges[3].closes_loop);
  EXPECT_EQ(node_of(*p, "l").in, (std::vector<std::uint32_t>{0})); // without the closing edge
  EXPECT_EQ(node_of(*p, "c").out, (std::vector<std::uint32_t>{3}));
  EXPECT_EQ(p->nodes[p->regions[1].nodes[node_of(*p, "c").slot]].id, "c");
}

TEST(Regions, Nest) {
  const auto p = plan_of(graph({"l1", "b", "l2", "c", "d", "z"},
                               {"l1:iteration>b", "b>l2", "l2:iteration>c", "c>l2:loop_body",
                                "l2:complete>d", "d>l1:loop_body", "l1:complete>z"}));
  ASSERT_EQ(p->regions.size(), 3U);
  EXPECT_EQ(members(*p, ""), (ids{"l1", "z"}));
  EXPECT_EQ(members(*p, "l1"), (ids{"b", "l2", "d"}));
  EXPECT_EQ(members(*p, "l2"), (ids{"c"}));
  EXPECT_EQ(p->regions[2].parent, 1U);
}

TEST(Regions, MayEndAnOuterIterationWithAnInnerLoop) {
  const auto p = plan_of(graph({"l1", "l2", "c"}, {"l1:iteration>l2", "l2:iteration>c",
                                                   "c>l2:loop_body", "l2:complete>l1:loop_body"}));
  EXPECT_EQ(p->regions[node_of(*p, "l1").body].closing, (std::vector<std::uint32_t>{3}));
}

TEST(Regions, FollowStreamingNodesButNotTheirErrors) {
  const auto p = plan_of(graph({"s", "a", "b", "e"}, {"s>a", "a>b", "s:error>e"}));
  EXPECT_EQ(members(*p, ""), (ids{"s", "e"}));
  EXPECT_EQ(members(*p, "s"), (ids{"a", "b"}));
}

TEST(Regions, LetStaticEdgesIn) {
  const auto p = plan_of(graph({"a", "l", "b"}, {"a>l", "l:iteration>b", "a>b!", "b>l:loop_body"}));
  EXPECT_EQ(members(*p, "l"), (ids{"b"}));
  EXPECT_TRUE(p->edges[2].is_static);
}

TEST(Regions, RefuseWhatNobodyCouldRun) {
  struct row {
    const char* what;
    std::string definition;
    const char *node, *code;
  };
  const row rows[] = {
      {"entered from outside",
       graph({"a", "l", "b"}, {"a>l", "l:iteration>b", "a>b", "b>l:loop_body"}), "a",
       "body_entered"},
      {"entered through complete",
       graph({"l", "b"}, {"l:iteration>b", "l:complete>b", "b>l:loop_body"}), "l", "body_entered"},
      {"streaming, entered from outside", graph({"a", "s", "b"}, {"s>b", "a>b"}), "a",
       "body_entered"},
      {"two bodies", graph({"s1", "s2", "b"}, {"s1>b", "s2>b"}), "b", "overlapping_bodies"},
      {"return from outside",
       graph({"a", "l", "b"}, {"a>l", "l:iteration>b", "l:complete>c", "b>l:loop_body"}), "l",
       "unknown_endpoint"},
      {"return of a stranger", graph({"a", "l", "b"}, {"l:iteration>b", "a>l:loop_body"}), "a",
       "bad_loop_return"},
      {"return from an inner body",
       graph({"l1", "l2", "c"}, {"l1:iteration>l2", "l2:iteration>c", "c>l1:loop_body"}), "c",
       "bad_loop_return"},
      {"no body", graph({"l", "z"}, {"l:complete>z"}), "l", "loop_without_body"},
      {"streaming loop",
       R"({"nodes":[{"id":"l","type":"FLOW","subtype":"LOOP","streaming":true},
         {"id":"b","type":"OUTPUT"}],"edges":[{"source":"l","source_port":"iteration",
         "target":"b"}]})",
       "l", "streaming_loop"},
      {"endless", R"({"nodes":[{"id":"l","type":"FLOW","subtype":"LOOP",
         "parameters":{"loop_type":"while"}},{"id":"b","type":"OUTPUT"}],
         "edges":[{"source":"l","source_port":"iteration","target":"b"}]})",
       "l", "missing_parameter"},
  };
  for (const auto& r : rows) {
    const auto made = compiled_from(r.definition);
    const node_error* e = fault_of(made.errors, r.code);
    ASSERT_NE(e, nullptr) << r.what << "\n" << listed(made.errors);
    EXPECT_EQ(e->node, r.node) << r.what;
    EXPECT_FALSE(made.executable);
  }
}

TEST(Regions, WarnWhenIterationsReturnNothing) {
  const auto made = compiled_from(graph({"l", "b"}, {"l:iteration>b"}));
  EXPECT_TRUE(made.executable) << listed(made.errors);
  EXPECT_NE(fault_of(made.warnings, "loop_without_return"), nullptr);
}

TEST(Regions, CompileADeepNestAndALongChainQuickly) {
  std::vector<std::string> nodes, edges;
  for (int i = 0; i < 200; ++i) {
    nodes.push_back("l" + std::to_string(i));
    if (i > 0)
      edges.push_back("l" + std::to_string(i - 1) + ":iteration>l" + std::to_string(i));
  }
  nodes.push_back("x");
  edges.push_back("l199:iteration>x");
  for (int i = 0; i < 799; ++i) {
    nodes.push_back("c" + std::to_string(i));
    edges.push_back((i == 0 ? std::string("x") : "c" + std::to_string(i - 1)) + ">c" +
                    std::to_string(i));
  }
  const auto made = compiled_from(graph(nodes, edges));
  ASSERT_TRUE(made.executable) << listed(made.errors);
  EXPECT_EQ(made.executable->regions.size(), 201U);
  EXPECT_EQ(made.executable->nodes.back().region, 200U);
}

} // namespace
} // namespace troupe::test

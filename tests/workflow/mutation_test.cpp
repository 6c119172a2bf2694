// Damaged definitions: compile answers, whatever it is given, and keeps its promises.
#include "runtime/base/prng.hpp"
#include "tests/workflow/support.hpp"

#include <cstdlib>

namespace troupe::test {
namespace {

const char* const seeds[] = {
    R"({"name":"w","steps":[{"step_id":"a","skill_type":"echo","parameters":{"x":"{{ input.n }}"}},
      {"step_id":"b","skill_type":"http_request","parameters":{"url":"http://x/{{ input.a }}"},
       "depends_on":["a"],"condition":"steps.a.output.x > 1","retry_policy":{"max_attempts":2,
       "strategy":"random"},"fallback":{"value":1}},
      {"step_id":"c","skill_type":"wait","parameters":{"wait_type":"fixed_delay",
       "duration_seconds":1},"depends_on":["a","b"]}],"output_mapping":{"o":"{{ steps.c.output }}"},
      "input_schema":{"n":{"type":"integer"}},"settings":{"budget":{"steps":4}},
      "pin_data":{"a":1}})",
    R"({"nodes":[{"id":"t","type":"TRIGGER","subtype":"MANUAL"},
      {"id":"l","type":"FLOW","subtype":"LOOP","parameters":{"loop_type":"foreach"}},
      {"id":"b","type":"SKILL","subtype":"SKILL","parameters":{"skill_type":"echo"},
       "streaming":false},{"id":"i","type":"FLOW","subtype":"IF","parameters":{"condition":"1"}},
      {"id":"s","type":"FLOW","subtype":"SWITCH","parameters":{"switch_expression":"1",
       "cases":{"a":"first"}}},{"id":"n","type":"NOTE"},{"id":"o","type":"OUTPUT"}],
      "edges":[{"source":"t","target":"l"},{"source":"l","source_port":"iteration","target":"b"},
      {"source":"b","target":"l","target_port":"loop_body"},
      {"source":"l","source_port":"complete","target":"i"},
      {"source":"i","source_port":"true","target":"s"},
      {"source":"s","source_port":"first","target":"o","mapping":{"type":"FIELD_MAPPING",
       "fields":[{"source":"a.b","target":"x","transform":{"type":"FUNCTION","name":"len"}}]}}]})",
    R"({"nodes":[{"id":"a","name":"A","type":"FLOW","subtype":"MERGE"},
      {"id":"b","name":"B","type":"ACTION","subtype":"DATA_TRANSFORMATION","parameters":{
       "transformation_type":"join","transformation_rule":{"items":[],"key":"id"}}}],
      "connections":{"B":{"main":[[{"node":"A","type":"main","index":0}]]}}})",
};

/// Changes one place of a value, at any depth.
void mutate(json::value& v, prng& random, int depth = 0) {
  const bool here = depth > 6 || random.below(4) == 0;
  if (!here && v.is_object() && !v.get_object().empty()) {
    auto at =
        v.get_object().begin() + static_cast<std::ptrdiff_t>(random.below(v.get_object().size()));
    return mutate(at->value(), random, depth + 1);
  }
  if (!here && v.is_array() && !v.get_array().empty())
    return mutate(v.get_array()[random.below(v.get_array().size())], random, depth + 1);
  static const char* const words[] = {"a",       "b",     "l",    "loop_body", "iteration",
                                      "FLOW",    "LOOP",  "echo", "{{",        "{{ 1 + }}",
                                      "steps.a", "error", "",     "ghost"};
  switch (random.below(9)) {
  case 0: v = nullptr; break;
  case 1: v = static_cast<std::int64_t>(random.next()); break;
  case 2: v = json::string(words[random.below(std::size(words))]); break;
  case 3: v = json::array{v, v}; break;
  case 4: v = json::object{{words[random.below(std::size(words))], v}}; break;
  case 5: v = random.unit() * 1e300; break;
  case 6: v = random.below(2) == 0; break;
  case 7:
    if (v.is_array() && !v.get_array().empty())
      v.get_array().push_back(v.get_array()[random.below(v.get_array().size())]);
    break;
  default:
    if (v.is_object() && !v.get_object().empty())
      v.get_object().erase(v.get_object().begin());
  }
}

/// What holds for every plan: all numbers point at something, regions are a tree.
void expect_sound(const plan& p) {
  ASSERT_FALSE(p.nodes.empty());
  for (const auto& e : p.edges) {
    ASSERT_LT(e.source, p.nodes.size());
    ASSERT_LT(e.target, p.nodes.size());
  }
  for (node_index i = 0; i < p.nodes.size(); ++i) {
    const auto& n = p.nodes[i];
    ASSERT_LT(n.region, p.regions.size());
    ASSERT_LT(n.slot, p.regions[n.region].nodes.size());
    EXPECT_EQ(p.regions[n.region].nodes[n.slot], i);
    EXPECT_GE(n.retry.max_attempts, 1U);
    EXPECT_TRUE(n.fallback.node == no_index || n.fallback.node < p.nodes.size());
    for (const auto edge : n.in)
      EXPECT_EQ(p.edges[edge].target, i);
    for (const auto edge : n.out)
      EXPECT_EQ(p.edges[edge].source, i);
  }
  for (region_index r = 1; r < p.regions.size(); ++r) {
    EXPECT_EQ(p.nodes[p.regions[r].owner].body, r);
    EXPECT_EQ(p.nodes[p.regions[r].owner].region, p.regions[r].parent);
  }
}

TEST(Mutation, NeverBreaksCompile) {
  const char* given = std::getenv("TROUPE_SEED");
  const std::uint64_t seed = given ? std::strtoull(given, nullptr, 10) : 20'261'121;
  SCOPED_TRACE("TROUPE_SEED=" + std::to_string(seed));
  prng random(seed);
  std::size_t valid = 0, refused = 0;
  for (int round = 0; round < 20'000; ++round) {
    json::value v = parsed(seeds[random.below(std::size(seeds))]);
    for (std::uint64_t i = random.below(4); i > 0; --i)
      mutate(v, random);
    const auto made = compiled_from(v);
    ASSERT_NE(made.executable == nullptr, made.errors.empty()) << json::write(v);
    if (made.executable)
      expect_sound(*made.executable);
    ++(made.executable ? valid : refused);
    if (HasFailure())
      FAIL() << json::write(v);
    if (const auto stored = normalise(v)) {
      const auto again = normalise(json::value(*stored));
      ASSERT_TRUE(again && json::same(json::value(*again), json::value(*stored))) << json::write(v);
      EXPECT_NO_THROW(to_graph(*stored));
    }
  }
  EXPECT_GT(valid, 1'000U);
  EXPECT_GT(refused, 1'000U);
}

} // namespace
} // namespace troupe::test

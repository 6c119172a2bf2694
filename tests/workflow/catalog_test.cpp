#include "tests/workflow/support.hpp"

#include <algorithm>

namespace troupe::test {
namespace {

TEST(Catalog, ListsEveryBuiltInTypeWithItsPorts) {
  struct row {
    const char *type, *subtype;
    node_kind kind;
    effect_class effect;
    std::vector<std::string> inputs, outputs;
  };
  const row rows[] = {
      {"TRIGGER", "MANUAL", node_kind::trigger, effect_class::pure, {}, {"main"}},
      {"FLOW", "IF", node_kind::if_, effect_class::pure, {"main"}, {"true", "false", "error"}},
      {"FLOW", "SWITCH", node_kind::switch_, effect_class::pure, {"main"}, {"default", "error"}},
      {"FLOW",
       "FILTER",
       node_kind::filter,
       effect_class::pure,
       {"main"},
       {"main", "excluded", "error"}},
      {"FLOW",
       "LOOP",
       node_kind::loop,
       effect_class::pure,
       {"main", "loop_body"},
       {"iteration", "complete", "error"}},
      {"FLOW", "MERGE", node_kind::merge, effect_class::pure, {"main"}, {"main"}},
      {"FLOW",
       "WAIT",
       node_kind::wait,
       effect_class::pure,
       {"main", "signal"},
       {"main", "timeout"}},
      {"HUMAN_IN_THE_LOOP",
       "APP",
       node_kind::human,
       effect_class::pure,
       {"main"},
       {"approved", "rejected", "completed", "timeout"}},
      {"ACTION", "HTTP_REQUEST", node_kind::skill, effect_class::io, {"main"}, {"main", "error"}},
      {"ACTION",
       "DATA_TRANSFORMATION",
       node_kind::transform,
       effect_class::pure,
       {"main"},
       {"main", "error"}},
      {"ACTION",
       "SET_VARIABLE",
       node_kind::set_variable,
       effect_class::pure,
       {"main"},
       {"main", "error"}},
      {"SUBWORKFLOW",
       "SUBWORKFLOW",
       node_kind::subworkflow,
       effect_class::pure,
       {"main"},
       {"main", "error"}},
      {"OUTPUT", "OUTPUT", node_kind::output, effect_class::pure, {"main"}, {"main"}},
      {"NOTE", "NOTE", node_kind::output, effect_class::pure, {}, {}},
      {"SKILL", "SKILL", node_kind::skill, effect_class::io, {"main"}, {"main", "error"}},
      {"SKILL", "ECHO", node_kind::skill, effect_class::immediate, {"main"}, {"main", "error"}},
  };
  for (const auto& r : rows) {
    const node_type* t = types().find(r.type, r.subtype);
    ASSERT_NE(t, nullptr) << r.type << "/" << r.subtype;
    EXPECT_EQ(t->kind, r.kind) << r.subtype;
    EXPECT_EQ(t->effect, r.effect) << r.subtype;
    EXPECT_EQ(t->inputs, r.inputs) << r.subtype;
    EXPECT_EQ(t->outputs, r.outputs) << r.subtype;
    EXPECT_EQ(t->executable, t->type != "NOTE");
  }
  EXPECT_EQ(types().all().size(), std::size(rows));
  EXPECT_EQ(types().find("FLOW", "NOPE"), nullptr);
  EXPECT_EQ(types().find("", ""), nullptr);
}

TEST(Catalog, NamesAllGroups) {
  std::vector<std::string> names;
  for (const auto& group : types().describe_groups())
    names.emplace_back(json::text_or(group, "type", ""));
  for (const char* name : {"TRIGGER", "AI_AGENT", "ACTION", "EXTERNAL_ACTION", "FLOW",
                           "HUMAN_IN_THE_LOOP", "TOOL", "MEMORY"})
    EXPECT_NE(std::find(names.begin(), names.end(), name), names.end()) << name;
}

TEST(Catalog, FindsByTheSkillOfAStep) {
  const std::pair<const char*, const char*> rows[] = {
      {"http_request", "HTTP_REQUEST"},
      {"echo", "ECHO"},
      {"if", "IF"},
      {"switch", "SWITCH"},
      {"wait", "WAIT"},
      {"set_variable", "SET_VARIABLE"},
      {"output", "OUTPUT"},
      {"FLOW/IF", "IF"},
      {"human_in_the_loop", "APP"},
      {"subworkflow", "SUBWORKFLOW"},
      {"merge", "MERGE"},
      {"data_transformation", "DATA_TRANSFORMATION"},
  };
  for (const auto& [skill, subtype] : rows) {
    const node_type* t = types().find_by_skill(skill);
    ASSERT_NE(t, nullptr) << skill;
    EXPECT_EQ(t->subtype, subtype);
  }
  for (const char* unknown : {"", "rss_crawler", "FLOW/NOPE", "IF", "/"})
    EXPECT_EQ(types().find_by_skill(unknown), nullptr) << unknown;
}

TEST(Catalog, KnowsPlainNamesOfTypes) {
  EXPECT_EQ(types().find("Condition", ""), types().find("FLOW", "IF"));
  EXPECT_EQ(types().find("Input", ""), types().find("TRIGGER", "MANUAL"));
  EXPECT_EQ(types().find("API", ""), types().find("ACTION", "HTTP_REQUEST"));
  EXPECT_EQ(types().find("OUTPUT", ""), types().find("OUTPUT", "OUTPUT"));
}

TEST(Catalog, DescribesParametersWithTypeDefaultAndLimits) {
  const auto spec = catalog::describe(*types().find("FLOW", "LOOP"));
  const json::value* most = nullptr;
  for (const auto& p : spec.at("parameters").as_array())
    if (json::text_or(p, "name", "") == "max_iterations")
      most = &p;
  ASSERT_NE(most, nullptr);
  EXPECT_EQ(most->at("default"), 1000);
  EXPECT_EQ(most->at("minimum"), 1.0);
  EXPECT_EQ(most->at("type"), "integer");
  const auto condition = catalog::describe(*types().find("FLOW", "IF"));
  EXPECT_EQ(condition.at("parameters").at(0).at("required"), true);
  EXPECT_EQ(condition.at("outputs"), parsed(R"(["true","false","error"])"));
}

TEST(Catalog, GivesEveryRequiredParameterADescription) {
  for (const auto& t : types().all())
    for (const auto& p : t.parameters) {
      EXPECT_FALSE(p.description.empty()) << t.subtype << "." << p.name;
      EXPECT_FALSE(p.required && p.fallback) << t.subtype << "." << p.name;
      EXPECT_EQ(p.type == parameter_type::enumeration, !p.values.empty()) << p.name;
    }
}

} // namespace
} // namespace troupe::test

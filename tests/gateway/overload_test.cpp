// What the gateway lets in when the memory budget is nearly used up.
#include "tests/gateway/fixture.hpp"

namespace troupe::test {

namespace {

struct Overload : Gateway {
  byte_budget budget{1'000'000};
  byte_claim others{&budget, budget_kind::tasks};

  void SetUp() override {
    gateway_settings settings;
    settings.budget = &budget;
    open(std::move(settings));
  }
};

} // namespace

TEST_F(Overload, RefusesNewWorkAndNothingElse) {
  const auto w = new_workflow();
  const auto run = to_text(engine.add_run(false));
  others.set(800'000);
  const std::vector<std::string> work{"/api/v1/workflows/" + w + "/execute",
                                      "/api/v1/workflows/" + w + "/nodes/a/execute",
                                      "/api/v1/skills/execute",
                                      "/api/v1/commands/jobs",
                                      "/api/v1/executions/" + run + "/retry",
                                      "/api/v1/executions/" + run + "/signals/s",
                                      "/api/v1/blocks/ACTION.ECHO/execute"};
  for (const auto& path : work) {
    const auto out = client("POST", path, "{}");
    EXPECT_EQ(out.status, 429u) << path << out.body;
    EXPECT_EQ(text_of(out, "code"), "over_capacity") << path;
    EXPECT_EQ(header_of(out, "Retry-After"), "1") << path;
  }
  EXPECT_EQ(budget.work_refused.load(), work.size());
  EXPECT_TRUE(engine.starts.empty());
  EXPECT_TRUE(engine.commands_seen.empty());

  for (const auto* path : {"/health", "/metrics", "/api/v1/workflows"})
    EXPECT_EQ(client("GET", path).status, 200u) << path;
  EXPECT_EQ(client("GET", "/api/v1/executions/" + run).status, 200u);
  EXPECT_EQ(client("POST", "/api/v1/executions/" + run + "/cancel", "{}").status, 200u);
  EXPECT_EQ(engine.commands_seen.size(), 1u);
  const auto outcome =
      client("POST", "/api/v1/skill-providers/x/tasks/y/complete", R"({"token":"t"})");
  EXPECT_NE(text_of(outcome, "code"), "over_capacity") << outcome.body;

  others.set(0);
  EXPECT_EQ(client("POST", work[0], "{}").status, 202u);
}

TEST_F(Overload, AStartTakesOverWhatItsRequestCountsAs) {
  const auto w = new_workflow();
  const auto before = budget.used();
  const std::string text(50'000, 't');
  EXPECT_EQ(client("POST", "/api/v1/workflows/" + w + "/execute",
                   R"({"input_data":{"text":")" + text + "\"}}")
                .status,
            202u);
  ASSERT_EQ(engine.starts.size(), 1u);
  EXPECT_GT(engine.starts[0].bytes, 50'000u);
  EXPECT_GT(budget.used(budget_kind::requests), 100'000u) << "held until it is durable";
  engine.starts.clear();
  EXPECT_EQ(budget.used(), before);
}

TEST_F(Overload, ARequestGivesItsBytesBackWhenItIsAnswered) {
  const std::string text(50'000, 't');
  EXPECT_EQ(client("POST", "/api/v1/workflows/validate", R"({"name":")" + text + "\"}").status,
            200u);
  EXPECT_GT(budget.high(budget_kind::requests), 100'000u);
  client.last.reset();
  EXPECT_EQ(budget.used(), 0u);
}

TEST_F(Overload, OutcomesOfTasksAreUrgent) {
  const auto urgent = [&](const char* verb, const char* path) {
    return client.handle.urgent(client.make(verb, path));
  };
  EXPECT_TRUE(urgent("POST", "/api/v1/skill-providers/x/tasks/y/complete"));
  EXPECT_TRUE(urgent("POST", "/api/v1/skill-providers/x/results"));
  EXPECT_FALSE(urgent("POST", "/api/v1/workflows/x/execute"));
  EXPECT_FALSE(urgent("POST", "/nowhere"));
}

} // namespace troupe::test

#include "tests/gateway/fixture.hpp"

namespace troupe {
namespace {

using namespace test;

TEST_F(Gateway, RunsSkillsAsDurableRuns) {
  const auto out = client("POST", "/api/v1/skills/execute",
                          R"({"skill_type":"echo","parameters":{"said":"hello"}})");
  EXPECT_EQ(out.status, 202u) << out.body;
  EXPECT_EQ(engine.starts.back().workflow_id, "skill:echo");
  EXPECT_EQ(json::write(*engine.starts.back().overrides), R"({"run":{"said":"hello"}})");
  EXPECT_EQ(json::write(*engine.stored["skill:echo"].back()->definition).find("hello"),
            std::string::npos);
  EXPECT_EQ(client("POST", "/api/v1/skills/execute", R"({"skill_type":"nope"})").status, 404u);
  EXPECT_EQ(client("POST", "/api/v1/skills/execute", "{}").status, 422u);
  const auto job = client("POST", "/api/v1/commands/jobs", R"({"command":"echo","input":{}})");
  EXPECT_EQ(job.status, 202u);
  EXPECT_EQ(engine.starts.back().trigger_type, "job");
  const auto read = client("GET", "/api/v1/commands/jobs/" + text_of(job, "job_id"));
  EXPECT_EQ(json::write(body_of(read).at("result")), R"({"said":"hello"})");
}

TEST_F(Gateway, RunsAnySkillAsAJob) {
  const auto ask = [&](const char* input) {
    return client("POST", "/api/v1/commands/jobs",
                  std::string(R"({"command":"skill","input":)") + input + "}");
  };
  EXPECT_EQ(ask(R"({"skill_type":"echo","parameters":{"x":1}})").status, 202u);
  EXPECT_EQ(engine.starts.back().workflow_id, "skill:echo");
  EXPECT_EQ(json::write(*engine.starts.back().input), R"({"x":1})");
  EXPECT_EQ(ask("{}").status, 422u);
  EXPECT_EQ(ask("5").status, 422u);
}

TEST_F(Gateway, KeepsSkillInstances) {
  const std::string all = "/api/v1/skills/instances";
  const auto stored =
      client("POST", all, R"({"name":"n","skill_type":"echo","parameters":{"a":1}})");
  ASSERT_EQ(stored.status, 201u) << stored.body;
  const auto one = all + "/" + text_of(stored, "id");
  EXPECT_EQ(client("POST", one + "/execute", R"({"parameters":{"b":2}})").status, 202u);
  EXPECT_EQ(json::write(*engine.starts.back().input), R"({"a":1,"b":2})");
  EXPECT_EQ(engine.starts.back().triggered_by, "skill_instance:" + text_of(stored, "id"));
  EXPECT_EQ(client("PATCH", one, R"({"enabled":false,"name":"m"})").status, 200u);
  EXPECT_EQ(text_of(client("GET", one), "name"), "m");
  EXPECT_EQ(client("POST", one + "/execute", "{}").status, 400u);
  EXPECT_EQ(client("PATCH", one, R"({"enabled":5})").status, 422u);
  EXPECT_EQ(client("POST", all, R"({"name":"n","skill_type":"nope"})").status, 400u);
  EXPECT_EQ(client("POST", all, R"({"skill_type":"echo"})").status, 422u);
  EXPECT_EQ(client("DELETE", one).status, 204u);
  EXPECT_EQ(client("GET", one).status, 404u);
}

TEST_F(Gateway, ChecksDataAgainstTheFormOfItsReview) {
  const auto run = engine.add_run(false);
  const auto id = to_text(run) + ".1";
  engine.next_page.items = {R"({"review_id":")" + id +
                            R"(","node_id":"h","form":{"type":"object",)" +
                            R"("required":["n"],"properties":{"n":{"type":"integer"}}}})"};
  const auto decide = [&](const std::string& more) {
    return client("POST", "/api/v1/reviews/action",
                  R"({"reviews":[{"review_id":")" + id + "\"," + more + "}]}");
  };
  const auto refused = decide(R"("approved":true,"data":{"n":"x"})");
  EXPECT_EQ(refused.status, 422u);
  EXPECT_NE(refused.body.find("data.n"), std::string::npos) << refused.body;
  EXPECT_EQ(decide(R"("approved":true)").status, 422u);
  EXPECT_TRUE(engine.commands_seen.empty());
  EXPECT_EQ(decide(R"("approved":true,"data":{"n":1})").status, 200u);
  EXPECT_EQ(decide(R"("approved":false)").status, 200u);
  EXPECT_EQ(engine.commands_seen.size(), 2u);
}

TEST_F(Gateway, AnswersUnchangedWorkflowsWithoutABody) {
  const auto path = "/api/v1/workflows/" + new_workflow();
  client.headers = {{"if-none-match", "\"1\""}};
  const auto same = client("GET", path);
  EXPECT_EQ(same.status, 304u);
  EXPECT_TRUE(same.body.empty());
  EXPECT_EQ(client("GET", path + "?view=graph").status, 200u);
  client.headers = {{"if-none-match", "\"2\""}};
  EXPECT_EQ(client("GET", path).status, 200u);
}

} // namespace
} // namespace troupe

#include "actors/skills/worker_table.hpp"
#include "tests/actors/support.hpp"

namespace troupe {

using namespace test;

namespace {

struct table_test : testing::Test {
  int ids = 0;
  worker_table table{worker_limits{}, [this] { return "id" + std::to_string(++ids); }};
  milliseconds now{1'000'000};
  std::vector<attempt_outcome> outcomes;

  std::string enroll(const std::string& skill = "double") {
    return table
        .enroll(json::object{{"name", "w"}, {"skills", json::array{json::value(skill)}}}, now)
        ->id;
  }
  std::uint64_t add(const std::string& skill = "double",
                    milliseconds timeout = milliseconds(60'000)) {
    skill_task t;
    t.skill = skill;
    t.parameters = null_value();
    t.timeout = timeout;
    return table.add(std::move(t), [this](attempt_outcome o) { outcomes.push_back(std::move(o)); },
                     {}, now, {});
  }
  json::value poll(const std::string& worker, int wait = 0) {
    json::value out;
    table.poll(worker, json::object{{"max_tasks", 10}, {"wait_seconds", wait}},
               promise<json::value>([&](result<json::value> r) {
                 out = r ? *r : json::value(json::object{{"code", r.error().code}});
               }),
               now);
    return out;
  }
  static json::object with_token(const json::value& task) {
    return json::object{{"token", task.at("token")}, {"output", json::object{{"x", 2}}}};
  }
};

} // namespace

using WorkerTable = table_test;

TEST_F(WorkerTable, ParametersCountUntilTheirTaskEnds) {
  byte_budget budget(1 << 20);
  worker_limits limits;
  limits.budget = &budget;
  table = worker_table(limits, [this] { return "id" + std::to_string(++ids); });
  const auto w = enroll();
  const auto dropped = add();
  add();
  const auto two = budget.used(budget_kind::tasks);
  EXPECT_GT(two, 0u);
  table.abort(dropped);
  EXPECT_EQ(budget.used(budget_kind::tasks), two / 2);
  const auto tasks = poll(w).at("tasks").as_array();
  ASSERT_EQ(tasks.size(), 1u);
  EXPECT_EQ(budget.used(budget_kind::tasks), two / 2) << "a leased task is still held";
  EXPECT_TRUE(
      table.message(w, tasks[0].at("task_id").as_string(), "complete", with_token(tasks[0]), now));
  EXPECT_EQ(budget.used(), 0u);
  table = worker_table(worker_limits{}, [] { return std::string(); });
}

TEST_F(WorkerTable, GivesTasksInOrderAndTakesResultsOnce) {
  const auto w = enroll();
  add();
  add();
  const auto tasks = poll(w).at("tasks").as_array();
  ASSERT_EQ(tasks.size(), 2u);
  const auto id = tasks[0].at("task_id").as_string();
  EXPECT_TRUE(table.message(w, id, "complete", with_token(tasks[0]), now));
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_TRUE(outcomes[0].succeeded);
  const auto again = table.message(w, id, "complete", with_token(tasks[0]), now);
  ASSERT_FALSE(again);
  EXPECT_EQ(again.error().kind, failure_kind::gone);
  EXPECT_EQ(outcomes.size(), 1u);
}

TEST_F(WorkerTable, LosesTheTasksOfASilentWorkerAfterThreeHeartbeats) {
  const auto w = enroll();
  add("double", milliseconds(300'000));
  const auto task = poll(w).at("tasks").at(0);
  now += milliseconds(29'000);
  table.tick(now);
  EXPECT_TRUE(outcomes.empty());
  EXPECT_TRUE(table.message(w, task.at("task_id").as_string(), "heartbeat", with_token(task), now));
  now += milliseconds(29'000);
  table.tick(now);
  EXPECT_TRUE(outcomes.empty());
  now += milliseconds(2'000);
  table.tick(now);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].error.code, "worker_lost");
  EXPECT_EQ(table.message(w, task.at("task_id").as_string(), "heartbeat", with_token(task), now)
                .error()
                .kind,
            failure_kind::gone);
}

TEST_F(WorkerTable, EndsWhatTakesTooLongAndWhatNobodyKnows) {
  enroll();
  add("double", milliseconds(5'000));
  add("unknown");
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_EQ(outcomes[0].error.code, "skill_unknown");
  now += milliseconds(5'000);
  table.tick(now);
  ASSERT_EQ(outcomes.size(), 2u);
  EXPECT_EQ(outcomes[1].error.code, "timeout");
  EXPECT_TRUE(outcomes[1].error.retryable);
}

TEST_F(WorkerTable, ParksAPollUntilATaskComesOrItsWaitIsOver) {
  const auto w = enroll();
  json::value first, second;
  const auto park = [&](json::value& into) {
    table.poll(w, json::object{{"wait_seconds", 5}},
               promise<json::value>([&into](result<json::value> r) { into = *r; }), now);
  };
  park(first);
  EXPECT_TRUE(first.is_null());
  add();
  EXPECT_EQ(first.at("tasks").as_array().size(), 1u);
  park(second);
  now += milliseconds(5'000);
  table.tick(now);
  EXPECT_EQ(second.at("tasks").as_array().size(), 0u);
}

TEST_F(WorkerTable, AnAbortedTaskIsGoneForItsWorker) {
  const auto w = enroll();
  const auto number = add();
  const auto task = poll(w).at("tasks").at(0);
  table.abort(number);
  EXPECT_EQ(table.message(w, task.at("task_id").as_string(), "complete", with_token(task), now)
                .error()
                .kind,
            failure_kind::gone);
  EXPECT_TRUE(outcomes.empty());
}

TEST_F(WorkerTable, WrongTokenIsGoneAndTooLargeIsRefused) {
  const auto w = enroll();
  add();
  const auto task = poll(w).at("tasks").at(0);
  EXPECT_EQ(table
                .message(w, task.at("task_id").as_string(), "complete",
                         json::object{{"token", "guess"}}, now)
                .error()
                .kind,
            failure_kind::gone);
  auto body = with_token(task);
  body["output"] = std::string((std::size_t{16} << 20) + 10, 'x');
  EXPECT_EQ(table.message(w, task.at("task_id").as_string(), "complete", body, now).error().kind,
            failure_kind::too_large);
  ASSERT_EQ(outcomes.size(), 1u);
  EXPECT_FALSE(outcomes[0].succeeded);
}

TEST(Workers, RunAStepOfAWorkflowAndAreRememberedAfterARestart) {
  node n;
  const auto enroll = [&] {
    waiting<worker_info> made;
    n.it->register_worker(
        json::object{{"name", "w"}, {"skills", json::array{json::value("double")}}}, made.answer());
    return made.get()->id;
  };
  auto worker = enroll();
  const auto id = n.save(
      R"({"name":"d","steps":[{"step_id":"a","skill_type":"double","parameters":{"n":2}}]})");
  const auto begun = n.run(id, "{}", milliseconds(0));
  ASSERT_TRUE(begun);
  n.reopen();
  worker = enroll();
  waiting<json::value> polled, done;
  n.it->poll_tasks(worker, json::object{{"max_tasks", 5}, {"wait_seconds", 10}}, polled.answer());
  const auto tasks = polled.get();
  ASSERT_TRUE(tasks) << tasks.error().code;
  const auto task = tasks->at("tasks").at(0);
  EXPECT_EQ(task.at("parameters").at("n").as_int64(), 2);
  n.it->task_message(worker, std::string(task.at("task_id").as_string()), "complete",
                     json::object{{"token", task.at("token")}, {"output", 4}}, done.answer());
  ASSERT_TRUE(done.get());
  EXPECT_TRUE(n.becomes(begun->id, "success"));
}

} // namespace troupe

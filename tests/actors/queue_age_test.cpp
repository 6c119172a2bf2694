// Since when the oldest start and the oldest task of a worker wait.
#include "actors/engine/start_places.hpp"
#include "actors/skills/worker_table.hpp"

#include <gtest/gtest.h>

namespace troupe {

TEST(StartPlaces, AreBoundedAndKnowTheirOldest) {
  const auto places = std::make_shared<start_places>(3, 2);
  EXPECT_EQ(places->oldest(), std::nullopt);
  auto held = std::make_shared<int>(1);
  const std::weak_ptr<int> alive = held;
  auto first = places->take(1, milliseconds(50), std::move(held));
  auto second = places->take(1, milliseconds(60), nullptr);
  auto other = places->take(2, milliseconds(40), nullptr);
  ASSERT_TRUE(first && second && other);
  EXPECT_FALSE(places->take(1, milliseconds(70), nullptr));
  EXPECT_EQ(places->oldest(), milliseconds(40));
  other.reset();
  EXPECT_EQ(places->oldest(), milliseconds(50));
  EXPECT_FALSE(alive.expired());
  first.reset();
  EXPECT_TRUE(alive.expired());
  EXPECT_EQ(places->oldest(), milliseconds(60));
  EXPECT_TRUE(places->take(1, milliseconds(70), nullptr));
  second.reset();
  EXPECT_EQ(places->oldest(), std::nullopt);
}

TEST(StartPlaces, OutliveTheirOwnerWhileOneIsTaken) {
  auto places = std::make_shared<start_places>(2, 1);
  auto place = places->take(1, milliseconds(1), nullptr);
  places.reset();
  place.reset();
}

TEST(WorkerTableAge, IsOfTheOldestTaskThatNobodyTook) {
  int ids = 0;
  worker_table table{worker_limits{}, [&] { return "id" + std::to_string(++ids); }};
  const auto enroll = [&](const std::string& skill, milliseconds now) {
    return table
        .enroll(json::object{{"name", "w"}, {"skills", json::array{json::value(skill)}}}, now)
        ->id;
  };
  const auto add = [&](const std::string& skill, milliseconds now, milliseconds timeout) {
    skill_task t;
    t.skill = skill;
    t.parameters = null_value();
    t.timeout = timeout;
    table.add(std::move(t), [](const attempt_outcome&) {}, {}, now, {});
  };
  const auto a = enroll("a", milliseconds(0));
  enroll("b", milliseconds(0));
  EXPECT_EQ(table.oldest_queued(), std::nullopt);
  add("a", milliseconds(100), milliseconds(9'000));
  add("b", milliseconds(200), milliseconds(100));
  EXPECT_EQ(table.oldest_queued(), milliseconds(100));
  table.poll(a, json::object{{"max_tasks", 1}}, promise<json::value>([](result<json::value>) {}),
             milliseconds(250));
  EXPECT_EQ(table.oldest_queued(), milliseconds(200));
  table.tick(milliseconds(301));
  EXPECT_EQ(table.oldest_queued(), std::nullopt) << "its time is over";
}

} // namespace troupe

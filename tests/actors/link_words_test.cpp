#include "actors/base/link_messages.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

run_id some_run() {
  return make_run_id(instant{milliseconds{1'700'000'000'000}}, partition_id{3}, 7);
}

TEST(LinkWords, ComeBackAsTheyWere) {
  const auto live = decode_live(encode_live(some_run(), "progress", R"({"percent":40})"));
  ASSERT_TRUE(live);
  EXPECT_EQ(live->run, some_run());
  EXPECT_EQ(live->kind, "progress");
  EXPECT_EQ(*live->json, R"({"percent":40})");
  const auto word = decode_word(encode_word("token", "progress", "{}"));
  ASSERT_TRUE(word);
  EXPECT_EQ(word->token, "token");
  EXPECT_EQ(word->kind, "progress");
  EXPECT_EQ(*word->json, "{}");
}

TEST(LinkWords, CutOrEmptyOnesAreNone) {
  const auto live = encode_live(some_run(), "progress", "{}");
  for (std::size_t n = 0; n + 2 < live.size(); ++n)
    EXPECT_FALSE(decode_live(live.substr(0, n))) << n;
  const auto word = encode_word("token", "progress", "{}");
  for (std::size_t n = 0; n + 2 < word.size(); ++n)
    EXPECT_FALSE(decode_word(word.substr(0, n))) << n;
  EXPECT_FALSE(decode_live(encode_live(some_run(), "", "{}")));
  EXPECT_FALSE(decode_word(encode_word("", "progress", "{}")));
}

TEST(LinkWords, AreNotTakenForTasks) {
  EXPECT_FALSE(decode_task(encode_word("token", "progress", "{}")));
  EXPECT_FALSE(decode_word(encode_task_abort("token")));
  skill_task what;
  what.run = some_run();
  what.skill = "skill";
  what.parameters = std::make_shared<const json::value>(json::object{});
  what.timeout = milliseconds{1};
  EXPECT_FALSE(decode_word(encode_task({"token", what})));
}

} // namespace
} // namespace troupe

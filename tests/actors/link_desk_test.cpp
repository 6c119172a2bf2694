// Questions between nodes: one answer each, whatever the network does.
#include "actors/base/link_bytes.hpp"
#include "actors/base/link_messages.hpp"
#include "actors/limits/token_wire.hpp"
#include "actors/peers/link_desk.hpp"
#include "actors/peers/link_frames.hpp"
#include "tests/support/eventually.hpp"

#include <gtest/gtest.h>

#include <future>
#include <random>

namespace troupe {

namespace {

using namespace std::chrono_literals;
using answered = std::future<result<std::string>>;

/// Two desks; what one sends the other has at once, unless the test says otherwise.
struct two_desks {
  std::atomic<bool> cut{false};
  std::mutex mutex;
  std::vector<std::pair<std::uint64_t, std::string>> held; ///< to whom
  std::atomic<bool> hold{false};
  std::unique_ptr<link_desk> one, two;

  two_desks() {
    one = std::make_unique<link_desk>(options(1));
    two = std::make_unique<link_desk>(options(2));
  }
  link_desk_options options(std::uint64_t self) {
    link_desk_options how;
    how.self = self;
    how.piece_bytes_max = 1'000;
    how.message_bytes_max = 1'000'000;
    how.pending_max = 100;
    how.send = [this, self](std::uint64_t to, std::string bytes) {
      if (cut || to > 2)
        return false;
      if (hold) {
        const std::lock_guard lock(mutex);
        held.emplace_back(to, std::move(bytes));
      } else {
        (to == 1 ? one : two)->received(self, std::move(bytes));
      }
      return true;
    };
    return how;
  }
  void release() {
    hold = false;
    std::vector<std::pair<std::uint64_t, std::string>> all;
    {
      const std::lock_guard lock(mutex);
      all.swap(held);
    }
    for (auto& [to, bytes] : all)
      (to == 1 ? one : two)->received(3 - to, std::move(bytes));
  }
  answered ask(std::uint64_t node, std::string bytes, std::chrono::milliseconds timeout = 10s) {
    auto promised = std::make_shared<std::promise<result<std::string>>>();
    auto out = promised->get_future();
    one->ask(node, link_topic::message, std::move(bytes), timeout,
             [promised](result<std::string> answer) { promised->set_value(std::move(answer)); });
    return out;
  }
  void echo() {
    two->serve(link_topic::message, [](std::uint64_t from, std::string bytes, auto back) {
      back(std::to_string(from) + ":" + bytes);
    });
  }
};

std::string code_of(const result<std::string>& got) {
  return got ? "" : got.error().code;
}

} // namespace

TEST(LinkDesk, CarriesQuestionsAnswersAndRefusals) {
  two_desks d;
  EXPECT_EQ(code_of(d.ask(2, "x").get()), "node_unreachable") << "nobody serves";
  d.echo();
  EXPECT_EQ(*d.ask(2, "hello").get(), "1:hello");
  EXPECT_EQ(*d.ask(2, "").get(), "1:");
  const std::string large(123'456, 'z');
  EXPECT_EQ(*d.ask(2, large).get(), "1:" + large) << "in pieces";
  EXPECT_EQ(code_of(d.ask(2, std::string(1'000'001, 'z')).get()), "node_unreachable");
  const failure why{failure_kind::precondition, "no", "not so", "do it", {{"n", "f", "c", "m"}}};
  d.two->serve(link_topic::message, [&](auto, auto, auto back) { back(why); });
  const auto refused = d.ask(2, "x").get();
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().kind, why.kind);
  EXPECT_EQ(refused.error().code, why.code);
  EXPECT_EQ(refused.error().message, why.message);
  EXPECT_EQ(refused.error().hint, why.hint);
  EXPECT_EQ(refused.error().node_errors, why.node_errors);
  d.two->serve(link_topic::message, [](auto, auto, auto) {});
  EXPECT_EQ(code_of(d.ask(2, "x").get()), "not_answered") << "the way back was dropped";
}

TEST(LinkDesk, AsksItselfWithoutTheNetwork) {
  two_desks d;
  d.cut = true;
  d.one->serve(link_topic::message,
               [](auto, const std::string& bytes, auto back) { back(bytes + "!"); });
  EXPECT_EQ(*d.ask(1, "me").get(), "me!");
  EXPECT_EQ(code_of(d.ask(2, "x").get()), "node_unreachable");
  EXPECT_EQ(code_of(d.ask(7, "x").get()), "node_unreachable");
}

TEST(LinkDesk, AnswersOnceWhenTimeIsOverOrTheConnectionBreaks) {
  two_desks d;
  d.echo();
  d.hold = true;
  auto late = d.ask(2, "late", 20ms);
  EXPECT_EQ(code_of(late.get()), "node_unreachable");
  d.release(); // a second answer would throw: the promise is kept already
  d.hold = true;
  auto first = d.ask(2, "a"), second = d.ask(2, "b");
  d.one->down(2);
  EXPECT_EQ(code_of(first.get()), "node_unreachable");
  EXPECT_EQ(code_of(second.get()), "node_unreachable");
  d.release();
  EXPECT_EQ(*d.ask(2, "again").get(), "1:again");
}

TEST(LinkDesk, KeepsNoMoreQuestionsThanItMay) {
  two_desks d;
  d.hold = true;
  std::vector<answered> all;
  for (int i = 0; i < 100; ++i)
    all.push_back(d.ask(2, "x"));
  EXPECT_EQ(code_of(d.ask(2, "x").get()), "node_unreachable");
  d.one.reset();
  for (auto& each : all)
    EXPECT_EQ(code_of(each.get()), "node_unreachable") << "the desk is gone";
}

TEST(LinkDesk, AsksNobodyMoreOnceItIsTakenAway) {
  two_desks d;
  node_link::answer kept;
  d.two->serve(link_topic::message, [&](auto, auto, auto back) { kept = std::move(back); });
  auto asked = d.ask(2, "x");
  d.two->serve(link_topic::message, {});
  EXPECT_EQ(code_of(d.ask(2, "x").get()), "node_unreachable");
  kept(std::string("later"));
  EXPECT_EQ(*asked.get(), "later");
  auto lost = d.ask(2, "x", 30ms);
  d.two.reset();
  kept(std::string("much later")); // there is nobody to carry it
}

TEST(LinkDesk, ForeignBytesDoNoHarm) {
  std::mt19937 random{20261121};
  const auto number = [&](std::size_t below) { return random() % below; };
  two_desks d;
  d.echo();
  std::vector<std::string> seeds;
  for (const auto kind :
       {link_frame::kind_of::question, link_frame::kind_of::answer, link_frame::kind_of::refusal})
    for (auto& piece : cut({kind, 2, 77, std::string(number(5'000), 'q')}, 1'000))
      seeds.push_back(std::move(piece));
  for (int i = 0; i < 20'000; ++i) {
    auto bytes = seeds[number(seeds.size())];
    for (auto left = number(4); left > 0 && !bytes.empty(); --left)
      bytes[number(bytes.size())] = static_cast<char>(random());
    if (number(4) == 0)
      bytes.resize(number(bytes.size() + 1));
    d.one->received(2, bytes);
    d.two->received(1, bytes);
  }
  EXPECT_EQ(*d.ask(2, "still here").get(), "1:still here");
}

TEST(LinkFrames, KeepNoMorePiecesThanTheyMay) {
  frame_joiner join(10'000, 20'000);
  for (std::uint64_t id = 0; id < 1'000; ++id) {
    const auto pieces = cut({link_frame::kind_of::question, 1, id, std::string(3'000, 'x')}, 1'000);
    EXPECT_FALSE(join.add(1, pieces[0]));
    EXPECT_FALSE(join.add(1, pieces[1]));
    EXPECT_LE(join.bytes(), 20'000u);
  }
  join.forget(1);
  EXPECT_EQ(join.bytes(), 0u);
}

TEST(LinkMessages, ComeBackAsTheyWere) {
  skill_task task;
  task.run = make_run_id(instant{milliseconds{1'700'000'000'000}}, partition_id{3}, 5);
  task.at.node = "n";
  task.attempt = 2;
  task.skill = "s";
  task.parameters = share(json::object{{"a", 1.5}});
  task.timeout = milliseconds(700);
  task.idempotency_key = "k";
  const auto back = decode_task(encode_task({"t", task}));
  ASSERT_TRUE(back);
  EXPECT_EQ(back->token, "t");
  EXPECT_EQ(back->what.run, task.run);
  EXPECT_EQ(back->what.attempt, 2u);
  EXPECT_EQ(json::write(*back->what.parameters), json::write(*task.parameters));
  EXPECT_EQ(back->what.timeout, task.timeout);
  auto ended = failed_attempt("worker_lost", "m", true);
  ended.retry_after = milliseconds(0);
  const auto outcome = decode_outcome(encode_outcome(ended));
  ASSERT_TRUE(outcome);
  EXPECT_EQ(outcome->error.code, "worker_lost");
  EXPECT_TRUE(outcome->error.retryable);
  EXPECT_EQ(outcome->retry_after, ended.retry_after);
  EXPECT_FALSE(outcome->succeeded);
  const auto abort = decode_task(encode_task_abort("t"));
  ASSERT_TRUE(abort);
  EXPECT_TRUE(abort->what.skill.empty());
}

TEST(LinkMessages, ForeignBytesAreRefused) {
  std::mt19937 random{4};
  skill_task task;
  task.skill = "s";
  task.parameters = null_value();
  task.timeout = milliseconds(1);
  const auto run = make_run_id(instant{milliseconds{1}}, partition_id{3}, 5);
  const token_report report{partition_id{3},
                            1,
                            2,
                            3,
                            true,
                            {{token_change::kind::want, {run, "w", 1, run_priority::low}}}};
  const remote_delivery delivery{
      partition_id{1}, {partition_id{2}, "id", messages::cancel_child{run, "r"}}, 9};
  const std::vector<std::string> seeds{encode_task({"t", task}),
                                       encode_outcome({}),
                                       encode_report(report),
                                       encode_delivery(delivery),
                                       encode_grants({partition_id{3}, 1, 2, 3, {run}}),
                                       encode_runs({run, run})};
  ASSERT_TRUE(decode_tokens(seeds[2]));
  ASSERT_TRUE(decode_delivery(seeds[3]));
  EXPECT_EQ(decode_delivery(seeds[3])->control, 9u);
  for (int i = 0; i < 30'000; ++i) {
    auto bytes = seeds[random() % seeds.size()];
    for (auto left = random() % 4; left > 0; --left)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0)
      bytes.resize(random() % (bytes.size() + 1));
    (void)decode_task(bytes).has_value();
    (void)decode_outcome(bytes).has_value();
    (void)decode_tokens(bytes).has_value();
    (void)decode_delivery(bytes).has_value();
    (void)decode_runs(bytes).has_value();
  }
}

} // namespace troupe

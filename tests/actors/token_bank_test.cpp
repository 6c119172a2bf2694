// Tokens of a cluster: never too many, and whoever waits gets one in the end.
#include "actors/limits/token_bank.hpp"
#include "actors/limits/token_client.hpp"

#include <gtest/gtest.h>

#include <algorithm>
#include <random>

namespace troupe {

namespace {

constexpr std::uint16_t partitions = 3;

run_id run_in(std::uint16_t partition, std::uint64_t n) {
  return make_run_id(instant{milliseconds{1'700'000'000'000 + static_cast<std::int64_t>(n)}},
                     partition_id{partition}, n);
}
token_request want(const run_id& run) {
  return {run, "w", 0, run_priority::normal};
}
token_report whole(std::uint16_t partition, std::uint64_t term, std::uint64_t number,
                   std::vector<token_change> changes) {
  return {partition_id{partition}, term, 1, number, true, std::move(changes)};
}

struct one_bank {
  token_bank bank;
  std::map<std::uint16_t, std::uint64_t> terms{{1, 1}, {2, 1}, {3, 1}};
  std::vector<token_request> stored;
  explicit one_bank(std::uint32_t most = 1) : bank({most, partitions, 1, milliseconds(5'000)}) {}
  void settle(std::int64_t now = 0, bool may_give = true) {
    bank.settle(
        milliseconds(now), may_give, [&](partition_id p) { return terms.at(number(p)); },
        [&](partition_id p) {
          std::vector<token_request> out;
          for (const auto& each : stored)
            if (partition_of(each.run) == p)
              out.push_back(each);
          return out;
        });
  }
  void all_report() {
    for (std::uint16_t p = 1; p <= partitions; ++p)
      EXPECT_TRUE(bank.take(p, whole(p, 1, 1, {})));
    settle();
  }
};

} // namespace

TEST(TokenBank, GivesNothingBeforeEverybodyHasReported) {
  one_bank b;
  const auto first = run_in(1, 1), second = run_in(2, 2);
  const auto asked = b.bank.take(1, whole(1, 1, 1, {{token_change::kind::want, want(first)}}));
  ASSERT_TRUE(asked);
  EXPECT_TRUE(asked->empty());
  b.settle();
  EXPECT_TRUE(b.bank.take(2, whole(2, 1, 1, {{token_change::kind::hold, want(second)}})));
  b.settle();
  EXPECT_FALSE(b.bank.giving());
  b.terms[3] = 2;
  EXPECT_TRUE(b.bank.take(3, whole(3, 1, 1, {})));
  b.settle();
  EXPECT_FALSE(b.bank.giving()) << "not the leader of partition 3";
  EXPECT_TRUE(b.bank.take(3, whole(3, 2, 1, {})));
  b.settle();
  EXPECT_TRUE(b.bank.giving());
  EXPECT_TRUE(b.bank.take_pushes(milliseconds(0)).empty()) << "the token is held elsewhere";
  token_change gone;
  gone.what = token_change::kind::release;
  gone.request.run = second;
  EXPECT_TRUE(b.bank.take(2, {partition_id{2}, 1, 1, 2, false, {gone}}));
  const auto pushes = b.bank.take_pushes(milliseconds(0));
  ASSERT_EQ(pushes.size(), 1u);
  EXPECT_EQ(pushes[0].node, 1u);
  EXPECT_EQ(pushes[0].what.runs, std::vector{first});
}

TEST(TokenBank, AfterTheLeaseWhatIsStoredOfTheSilentCounts) {
  one_bank b(2);
  b.stored = {want(run_in(3, 9))};
  EXPECT_TRUE(b.bank.take(1, whole(1, 1, 1,
                                   {{token_change::kind::want, want(run_in(1, 1))},
                                    {token_change::kind::want, want(run_in(1, 2))}})));
  EXPECT_TRUE(b.bank.take(2, whole(2, 1, 1, {})));
  b.settle(4'999);
  EXPECT_FALSE(b.bank.giving());
  b.settle(5'000);
  EXPECT_TRUE(b.bank.giving());
  EXPECT_EQ(b.bank.running(), 2u);
  EXPECT_EQ(b.bank.waiting(), 1u);
  EXPECT_TRUE(b.bank.take(3, whole(3, 1, 1, {}))) << "it comes back, and that run has ended";
  b.settle(5'001);
  EXPECT_EQ(b.bank.waiting(), 0u);
}

TEST(TokenBank, AReportOfANewerTermReplacesWhatOlderOnesHeld) {
  one_bank b;
  b.all_report();
  const auto run = run_in(1, 1), other = run_in(2, 2);
  const auto got =
      b.bank.take(1, {partition_id{1}, 1, 1, 2, false, {{token_change::kind::want, want(run)}}});
  ASSERT_TRUE(got);
  EXPECT_EQ(*got, std::vector{run});
  const auto waits =
      b.bank.take(2, {partition_id{2}, 1, 1, 2, false, {{token_change::kind::want, want(other)}}});
  ASSERT_TRUE(waits);
  EXPECT_TRUE(waits->empty());
  EXPECT_TRUE(b.bank.take(9, whole(1, 2, 1, {}))) << "the run did not begin";
  const auto pushes = b.bank.take_pushes(milliseconds(0));
  ASSERT_EQ(pushes.size(), 1u);
  EXPECT_EQ(pushes[0].what.runs, std::vector{other});
  const auto late = b.bank.take(1, whole(1, 1, 3, {{token_change::kind::hold, want(run)}}));
  ASSERT_FALSE(late);
  EXPECT_EQ(late.error().code, "tokens_stale");
  EXPECT_EQ(b.bank.running(), 1u);
}

TEST(TokenBank, TakesReportsInOrderAndRepeatsItsAnswers) {
  one_bank b;
  b.all_report();
  const token_report second{
      partition_id{1}, 1, 1, 2, false, {{token_change::kind::want, want(run_in(1, 1))}}};
  auto third = second;
  third.number = 3;
  const auto gap = b.bank.take(1, third);
  ASSERT_FALSE(gap);
  EXPECT_EQ(gap.error().code, "tokens_gap");
  for (int i = 0; i < 3; ++i) {
    const auto got = b.bank.take(1, second);
    ASSERT_TRUE(got);
    EXPECT_EQ(got->size(), 1u);
  }
  EXPECT_EQ(b.bank.running(), 1u);
  b.settle(0, false);
  EXPECT_TRUE(b.bank.take_pushes(milliseconds(0)).empty());
}

namespace {

/// A whole cluster on one clock: three nodes, of which any may lead anything; messages are late,
/// lost or doubled. What a partition's leader committed, the next one knows.
class token_world {
public:
  token_world(unsigned seed, std::uint32_t most) : random_(seed), most_(most) {
    for (auto& each : nodes_)
      each = std::make_unique<one_node>();
    for (std::uint16_t p = 1; p <= partitions; ++p)
      lead(p, p % nodes_count);
    move_control(0);
  }

  void step() {
    now_ += milliseconds(1 + below(40));
    if (calm_) {
      for (auto& [p, runs] : running_)
        for (const auto& run : std::set<run_id>(runs))
          end(p, run);
    } else {
      disturb();
    }
    deliver_due();
    for (std::uint64_t n = 0; n < nodes_count; ++n)
      flush(n);
    check_limit();
  }
  void calm() { calm_ = true; }
  bool all_done() const {
    return std::ranges::all_of(queued_, [](const auto& each) { return each.second.empty(); }) &&
           std::ranges::all_of(running_, [](const auto& each) { return each.second.empty(); });
  }
  std::size_t began() const { return began_; }
  std::size_t most_at_once() const { return most_at_once_; }

private:
  static constexpr std::uint64_t nodes_count = 3;
  struct one_node {
    token_client client;
    std::unique_ptr<token_bank> bank;
  };
  struct mail {
    milliseconds at{0};
    std::function<void()> arrive;
  };
  std::uint64_t below(std::uint64_t n) { return random_() % n; }

  void send(std::function<void()> what) {
    if (!calm_ && below(10) == 0)
      return;
    const auto late = calm_ ? 5 : below(20) == 0 ? below(3'000) : below(50);
    mail_.push_back({now_ + milliseconds(late), std::move(what)});
  }
  void deliver_due() {
    std::vector<mail> due;
    const auto mid =
        std::partition(mail_.begin(), mail_.end(), [&](const mail& m) { return m.at > now_; });
    std::move(mid, mail_.end(), std::back_inserter(due));
    mail_.erase(mid, mail_.end());
    std::ranges::stable_sort(due, {}, &mail::at);
    for (auto& each : due)
      each.arrive();
  }

  void disturb() {
    const auto p = static_cast<std::uint16_t>(1 + below(partitions));
    switch (below(12)) {
    case 0:
    case 1:
    case 2: {
      const auto run = run_in(p, ++next_);
      queued_[p].insert(run);
      nodes_[leader_[p]]->client.want(partition_id{p}, term_[p], want(run), now_);
      break;
    }
    case 3:
    case 4:
    case 5:
      if (!running_[p].empty())
        end(p, *std::next(running_[p].begin(),
                          static_cast<std::ptrdiff_t>(below(running_[p].size()))));
      break;
    case 6:
      if (!queued_[p].empty()) { // cancelled while it waits
        const auto run = *queued_[p].begin();
        queued_[p].erase(run);
        nodes_[leader_[p]]->client.release(partition_id{p}, term_[p], run);
      }
      break;
    case 7:
      if (below(8) == 0)
        lead(p, below(nodes_count));
      break;
    case 8:
      if (below(12) == 0)
        move_control(below(nodes_count));
      break;
    default: break;
    }
  }
  void end(std::uint16_t p, run_id run) { // a copy: it leaves what it may come from
    running_[p].erase(run);
    nodes_[leader_[p]]->client.release(partition_id{p}, term_[p], run);
  }
  void lead(std::uint16_t p, std::uint64_t node) {
    if (term_[p] > 0)
      nodes_[leader_[p]]->client.close(partition_id{p}, term_[p]);
    leader_[p] = node;
    ++term_[p];
    std::vector<token_request> held, wanted;
    for (const auto& run : running_[p])
      held.push_back(want(run));
    for (const auto& run : queued_[p])
      wanted.push_back(want(run));
    nodes_[node]->client.open(partition_id{p}, term_[p], held, wanted, now_);
  }
  void move_control(std::uint64_t node) {
    nodes_[control_]->bank.reset();
    control_ = node;
    ++control_term_;
    nodes_[node]->bank = std::make_unique<token_bank>(
        token_bank::options{most_, partitions, control_term_, now_ + milliseconds(5'000)});
  }

  void flush(std::uint64_t n) {
    auto& node = *nodes_[n];
    if (calm_ || below(3) > 0) // some hear late of who leads
      node.client.bank_is(control_ + 1, control_term_);
    node.client.settle(now_);
    if (node.bank)
      flush_bank(node);
    for (const auto& report : node.client.take_reports(now_)) {
      const auto number = report.number;
      send([this, n, report] { arrive_report(n, report); });
      answer_late(3'000, [this, n, report, number] {
        nodes_[n]->client.reported(
            report.partition, report.term, report.bank, number,
            failure{failure_kind::unavailable, "node_unreachable", "", "", {}}, now_);
      });
    }
    for (const auto& each : node.client.take_news())
      if (!each.queued)
        begin(each);
  }
  /// The question's time is over; whatever was answered before has made this idle.
  void answer_late(std::int64_t after, std::function<void()> what) {
    mail_.push_back({now_ + milliseconds(after), std::move(what)});
  }
  void flush_bank(one_node& node) {
    auto& bank = *node.bank;
    bank.settle(
        now_, true, [this](partition_id p) { return std::optional(term_.at(number(p))); },
        [this](partition_id p) {
          std::vector<token_request> out;
          for (const auto& run : running_[number(p)])
            out.push_back(want(run));
          return out;
        });
    for (const auto& each : bank.take_pushes(now_)) {
      const auto bank_term = bank.term();
      const auto settled = [this, each, bank_term](const result<std::vector<run_id>>& got) {
        if (auto& at = nodes_[control_]->bank; at && at->term() == bank_term)
          at->pushed(each.what.partition, each.number, got, now_);
      };
      send([this, each, settled] {
        auto got = nodes_[each.node - 1]->client.grant(each.what);
        send([settled, got] { settled(got); });
      });
      answer_late(3'000, [settled] {
        settled(failure{failure_kind::unavailable, "node_unreachable", "", "", {}});
      });
    }
  }
  void arrive_report(std::uint64_t from, const token_report& report) {
    auto& bank = nodes_[control_]->bank;
    auto got = bank && bank->term() == report.bank
                   ? bank->take(from + 1, report)
                   : result<std::vector<run_id>>(
                         failure{failure_kind::unavailable, "not_leader", "", "", {}});
    send([this, from, report, got] {
      nodes_[from]->client.reported(report.partition, report.term, report.bank, report.number, got,
                                    now_);
    });
  }
  /// As a partition does: of its own term, and only who waits still.
  void begin(const token_client::news& what) {
    const auto p = number(partition_of(what.run));
    if (what.term != term_[p] || queued_[p].erase(what.run) == 0)
      return;
    running_[p].insert(what.run);
    ++began_;
  }
  void check_limit() {
    std::size_t all = 0;
    for (const auto& [p, runs] : running_)
      all += runs.size();
    most_at_once_ = std::max(most_at_once_, all);
  }

  std::mt19937 random_;
  const std::uint32_t most_;
  std::array<std::unique_ptr<one_node>, nodes_count> nodes_;
  std::map<std::uint16_t, std::uint64_t> leader_, term_;
  std::uint64_t control_ = 0, control_term_ = 0;
  std::map<std::uint16_t, std::set<run_id>> queued_, running_;
  std::vector<mail> mail_;
  milliseconds now_{0};
  std::uint64_t next_ = 0;
  bool calm_ = false;
  std::size_t began_ = 0, most_at_once_ = 0;
};

} // namespace

TEST(SharedTokens, AreNeverTooManyAndReachEverybodyInTheEnd) {
  std::size_t began = 0;
  for (unsigned seed = 1; seed <= 60; ++seed) {
    SCOPED_TRACE("seed " + std::to_string(seed));
    const std::uint32_t most = 1 + seed % 4;
    token_world world(seed, most);
    for (int i = 0; i < 3'000; ++i)
      world.step();
    world.calm();
    for (int i = 0; i < 20'000 && !world.all_done(); ++i)
      world.step();
    EXPECT_LE(world.most_at_once(), most);
    EXPECT_TRUE(world.all_done());
    began += world.began();
  }
  EXPECT_GT(began, 1'000u) << "the worlds did something";
}

} // namespace troupe

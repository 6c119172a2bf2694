#include "tests/engine/harness.hpp"
#include "tests/engine/random_fields.hpp"

#include "runtime/engine/snapshot.hpp"

namespace troupe {
namespace {

using namespace test;

run_state random_state(std::uint64_t seed, fill_mode mode) {
  run_state s;
  filler fill{seed, mode};
  each_member(s, fill);
  return s;
}

std::string shown_state(const run_state& s) {
  shower text;
  each_member(s, text);
  return text.text;
}

TEST(Snapshot, RoundTripsEveryMember) {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    const auto s = random_state(seed, seed % 2 ? fill_mode::full : fill_mode::random);
    footprint so_far{{1, 2, 3}, true, seed % 3 == 0, run_status::waiting, {}};
    filler fill{seed, fill_mode::full};
    open_review review;
    each_member(review, fill);
    so_far.reviews["r.1"] = review;
    const auto text = encode_snapshot(s, so_far);
    const auto back = decode_snapshot(text);
    ASSERT_TRUE(back) << back.error().message;
    EXPECT_EQ(shown_state(back->state), shown_state(s)) << "seed " << seed;
    EXPECT_EQ(state_hash(back->state), state_hash(s));
    EXPECT_EQ(back->so_far.last, so_far.last);
    EXPECT_EQ(back->so_far.owing, so_far.owing);
    EXPECT_EQ(back->so_far.shown, so_far.shown);
    ASSERT_EQ(back->so_far.reviews.size(), 1u);
    EXPECT_EQ(back->so_far.reviews.at("r.1").what.title, review.what.title);
  }
}

TEST(Snapshot, RoundTripsAnEmptyState) {
  const run_state fresh;
  const auto back = decode_state(encode_state(fresh));
  ASSERT_TRUE(back);
  EXPECT_EQ(shown_state(*back), shown_state(fresh));
}

TEST(Snapshot, RefusesOtherFormatsAndGarbage) {
  EXPECT_EQ(decode_state(R"({"format":1,"state":{}})").error().code, "snapshot_format");
  EXPECT_EQ(decode_state("{}").error().code, "snapshot_format");
  EXPECT_EQ(decode_state("[").error().code, "snapshot_malformed");
  EXPECT_EQ(decode_state(R"({"format":2})").error().code, "snapshot_malformed");
  EXPECT_EQ(decode_state(R"({"format":2,"state":{"seq":"x"}})").error().code, "snapshot_malformed");
  const auto text = encode_state(random_state(5, fill_mode::full));
  prng random{11};
  for (int round = 0; round < 2'000; ++round) {
    auto bad = text;
    bad[random.below(bad.size())] = static_cast<char>(random.next());
    (void)decode_state(bad); // must not crash, whatever it says
  }
}

/// Changes the n-th leaf of a state; false when there are fewer.
class changer {
public:
  explicit changer(std::size_t n) : left_(n) {}
  bool done() const { return done_; }
  std::string name;

  template <class T> void operator()(std::string_view member, T& v) {
    if (done_)
      return;
    name = std::string{member};
    change(v);
  }

private:
  bool mine() { return !done_ && left_-- == 0 && (done_ = true); }
  void change(std::string& v) {
    if (mine())
      v += "!";
  }
  void change(bool& v) {
    if (mine())
      v = !v;
  }
  template <std::unsigned_integral T> void change(T& v) {
    if (mine())
      v = static_cast<T>(v ^ 1);
  }
  void change(instant& v) {
    if (mine())
      v += milliseconds{1};
  }
  void change(run_id& v) {
    if (mine())
      v.id.bytes[15] ^= 1;
  }
  template <class E>
  requires(enumerators<E> > 0) void change(E& v) {
    if (mine())
      v = static_cast<E>((static_cast<std::uint64_t>(v) + 1) % enumerators<E>);
  }
  void change(shared_value& v) {
    if (mine())
      v = share("changed");
  }
  void change(value_ref& v) {
    if (mine())
      v = value_ref{share("changed")};
  }
  template <class T> void change(std::optional<T>& v) {
    if (mine())
      v ? v.reset() : void(v.emplace());
  }
  template <class T> void change(std::vector<T>& v) { change_list(v); }
  template <class T> void change(std::deque<T>& v) { change_list(v); }
  template <class List> void change_list(List& v) {
    for (auto& one : v)
      if (!done_)
        change(one);
    if (mine())
      v.emplace_back();
  }
  template <class K, class V, class C> void change(std::map<K, V, C>& v) {
    for (auto& [key, one] : v)
      if (!done_)
        change(one);
    if (mine())
      v.erase(v.begin());
  }
  template <class T>
  requires requires(T& v, changer& c) { each_member(v, c); }
  void change(T& v) { each_member(v, *this); }

  std::size_t left_;
  bool done_ = false;
};

TEST(StateHash, SeesEveryMember) {
  const auto s = random_state(3, fill_mode::full);
  const auto hash = state_hash(s);
  std::size_t leaves = 0;
  for (;; ++leaves) {
    auto other = s;
    changer change{leaves};
    each_member(other, change);
    if (!change.done())
      break;
    EXPECT_NE(state_hash(other), hash) << "leaf " << leaves << ", near " << change.name;
  }
  EXPECT_GT(leaves, 150u);
}

TEST(Snapshot, ARestoredRunGoesOnTheSame) {
  const auto p = plan_of(R"({"name":"w","nodes":[
    {"id":"t","name":"t","type":"TRIGGER","subtype":"MANUAL"},
    {"id":"w","name":"w","type":"FLOW","subtype":"WAIT",
      "parameters":{"wait_type":"fixed_delay","duration_seconds":5}},
    {"id":"a","name":"a","type":"SKILL","subtype":"SKILL",
      "parameters":{"skill_type":"work","parameters":{"n":1}}}],
    "edges":[{"source":"t","target":"w"},{"source":"w","target":"a"}]})");
  ASSERT_TRUE(p);
  core_run run{p, echo()};
  ASSERT_TRUE(run.start());
  for (int i = 0; i < 20 && !terminal(run.state.status); ++i) {
    const auto back = decode_state(encode_state(run.state));
    ASSERT_TRUE(back) << back.error().message;
    ASSERT_EQ(state_hash(*back), state_hash(run.state));
    run.state = *back;
    if (!run.step() && !run.next_timer())
      break;
  }
  EXPECT_EQ(run.status(), "success") << run.trace();
}

} // namespace
} // namespace troupe

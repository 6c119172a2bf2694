#include "tests/engine/harness.hpp"
#include "tests/engine/random_fields.hpp"

#include "runtime/engine/codec.hpp"

#include <cstdlib>
#include <fstream>
#include <set>

namespace troupe {
namespace {

using namespace test;

std::uint64_t seed_of_this_run() {
  const char* given = std::getenv("TROUPE_SEED");
  return given ? std::strtoull(given, nullptr, 10) : 20261121;
}

void expect_round_trip(const event& e) {
  const auto text = encode_events({e});
  const auto back = decode_events(text);
  ASSERT_TRUE(back) << back.error().message << "\n" << text;
  ASSERT_EQ(back->size(), 1u);
  EXPECT_EQ(shown(back->front()), shown(e)) << text;
  EXPECT_EQ(encode_events(*back), text);
}

struct counting {
  std::size_t fields = 0, places = 0;
  void operator()(std::string_view, const place&) { ++places; }
  template <class T> void operator()(std::string_view name, const T&) {
    fields += name == "attempt" ? 0 : 1;
  }
};

TEST(Codec, RoundTripsEveryKindWithEveryField) {
  for (const auto& kind : every_kind())
    for (std::uint64_t seed = 1; seed <= 50; ++seed)
      expect_round_trip(filled(kind, seed, seed, fill_mode::full));
}

TEST(Codec, WritesEveryFieldThatIsSet) {
  for (const auto& kind : every_kind()) {
    const auto e = filled(kind, 1, 3, fill_mode::full);
    counting expected;
    std::visit([&](const auto& what) { each_field(what, expected); }, e.what);
    const auto line = parsed(encode_events({e}));
    EXPECT_EQ(line.at("data").as_object().size(), expected.fields) << kind_of(kind);
    EXPECT_EQ(line.as_object().contains("node"), expected.places > 0) << kind_of(kind);
    EXPECT_EQ(line.as_object().contains("iteration"), expected.places > 0) << kind_of(kind);
  }
}

TEST(Codec, RoundTripsDefaultsAndZeros) {
  for (const auto& kind : every_kind()) {
    expect_round_trip({1, from_millis(5), kind});
    expect_round_trip(filled(kind, 2, 1, fill_mode::zero));
  }
}

TEST(Codec, RoundTripsRandomEvents) {
  const auto seed = seed_of_this_run();
  SCOPED_TRACE("TROUPE_SEED=" + std::to_string(seed));
  prng random{seed};
  const auto kinds = every_kind();
  for (int round = 0; round < 20'000 && !::testing::Test::HasFailure(); ++round)
    expect_round_trip(filled(kinds[random.below(kinds.size())], 1 + random.below(1u << 20),
                             random.next(), fill_mode::random));
}

TEST(Codec, KeepsTheOrderOfManyEvents) {
  std::vector<event> all;
  for (const auto& kind : every_kind())
    all.push_back(filled(kind, all.size() + 1, all.size(), fill_mode::random));
  const auto back = decode_events(encode_events(all));
  ASSERT_TRUE(back);
  ASSERT_EQ(back->size(), all.size());
  for (std::size_t i = 0; i < all.size(); ++i)
    EXPECT_EQ(shown((*back)[i]), shown(all[i]));
  EXPECT_TRUE(decode_events("")->empty());
}

TEST(Codec, WritesTheDocumentedBytes) {
  events::node_completed e;
  e.at = {"a", {3, 0}};
  e.attempt = 1;
  e.ports = {{"main", value_ref{share(json::object{{"x", 1.0}})}},
             {"big", value_ref{blob_id{0xab}, 70'000}}};
  EXPECT_EQ(
      encode_events({{7, from_millis(1'800'000'000'123), e}}),
      R"({"seq":7,"time":1800000000123,"kind":"node_completed","node":"a","iteration":"3/0",)"
      R"("attempt":1,"data":{"ports":[{"port":"main","value":{"x":1.0}},{"port":"big",)"
      R"("value_blob":{"hash":"ab00000000000000000000000000000000000000000000000000000000000000)"
      R"(","bytes":70000}}]}})");
  EXPECT_EQ(encode_events({{1, from_millis(1), events::turn_yielded{}}}),
            R"({"seq":1,"time":1,"kind":"turn_yielded","data":{}})");
}

TEST(Codec, TellsNullFromAbsent) {
  events::signal_received e;
  e.data = value_ref{null_value()};
  const auto back = decode_events(encode_events({{1, {}, e}}));
  ASSERT_TRUE(back);
  EXPECT_FALSE(std::get<events::signal_received>(back->front().what).data.empty());
  const auto absent = decode_events(encode_events({{1, {}, events::signal_received{}}}));
  EXPECT_TRUE(std::get<events::signal_received>(absent->front().what).data.empty());
}

TEST(Codec, IgnoresUnknownMembers) {
  const auto back = decode_events(
      R"({"seq":4,"time":9,"kind":"timer_fired","later":1,"data":{"timer":2,"due":8,"new":{}}})");
  ASSERT_TRUE(back) << back.error().message;
  EXPECT_EQ(std::get<events::timer_fired>(back->front().what).timer, 2u);
}

TEST(Codec, RefusesWhatItCannotHaveWritten) {
  struct row {
    std::string_view text, code, named;
  };
  for (const auto& [text, code, named] : {
           row{R"({"seq":5,"time":1,"kind":"node_teleported","data":{}})", "event_kind_unknown",
               "event 5"},
           row{R"({"seq":5,"time":1,"kind":"timer_fired","data":{"timer":"x"}})", "event_malformed",
               "event 5: timer"},
           row{R"({"seq":5,"time":1,"kind":"timer_fired","data":{"timer":-1}})", "event_malformed",
               "event 5: timer"},
           row{R"({"seq":5,"time":1,"kind":"iteration_started","node":"a",)"
               R"("data":{"index":4294967296}})",
               "event_malformed", "event 5: index"},
           row{R"({"seq":5,"time":1,"kind":"node_failed","node":"a","data":{"outcome":"odd"}})",
               "event_malformed", "event 5: outcome"},
           row{R"({"seq":5,"time":1,"kind":"node_failed","node":"a","iteration":"1//2","data":{}})",
               "event_malformed", "event 5: iteration"},
           row{R"({"seq":5,"time":1,"kind":"signal_received","data":{"data_blob":{"hash":"00"}}})",
               "event_malformed", "event 5: data"},
           row{R"({"seq":5,"time":1,"kind":"timer_fired","data":[]})", "event_malformed",
               "event 5"},
           row{R"({"time":1,"kind":"timer_fired","data":{}})", "event_malformed", "line 1"},
           row{R"({"seq":0,"time":1,"kind":"timer_fired","data":{}})", "event_malformed", "line 1"},
           row{"[]", "event_malformed", "line 1"},
           row{"\n", "event_malformed", "line 1"},
           row{R"({"seq":5,"time":1,"kind":"timer_fired","data":{"timer":)", "event_malformed",
               "line 1"},
       }) {
    const auto back = decode_events(text);
    ASSERT_FALSE(back) << text;
    EXPECT_EQ(back.error().code, code) << text;
    EXPECT_NE(back.error().message.find(named), std::string::npos) << back.error().message;
  }
}

TEST(Codec, SurvivesMutatedBytes) {
  const auto seed = seed_of_this_run();
  SCOPED_TRACE("TROUPE_SEED=" + std::to_string(seed));
  prng random{seed};
  std::vector<event> all;
  for (const auto& kind : every_kind())
    all.push_back(filled(kind, all.size() + 1, all.size(), fill_mode::full));
  const auto whole = encode_events(all);
  std::size_t refused = 0;
  for (int round = 0; round < 3'000; ++round) {
    auto text = whole;
    for (auto n = 1 + random.below(4); n > 0; --n) {
      const auto at = random.below(text.size());
      switch (random.below(3)) {
      case 0: text[at] = static_cast<char>(random.next()); break;
      case 1: text.erase(at, 1 + random.below(20)); break;
      default: text.insert(at, text.substr(random.below(text.size()), 1 + random.below(20)));
      }
    }
    const auto back = decode_events(text);
    if (!back) {
      ++refused;
      EXPECT_TRUE(back.error().code == "event_malformed" ||
                  back.error().code == "event_kind_unknown");
    }
  }
  EXPECT_GT(refused, 1'000u);
}

struct naming {
  std::string row;
  void operator()(std::string_view, const place&) {}
  template <class T> void operator()(std::string_view name, const T&) {
    if (name != "attempt")
      row.append(row.empty() ? "" : ", ").append(name);
  }
};

TEST(Codec, TheDocumentListsEveryKindAndField) {
  std::ifstream file(TROUPE_SOURCE_DIR "/docs/event-format.md");
  std::set<std::string> rows;
  for (std::string line; std::getline(file, line);)
    rows.insert(line);
  for (const auto& kind : every_kind()) {
    naming names;
    std::visit([&](const auto& e) { each_field(e, names); }, kind);
    if (names.row.empty() || names.row == "by")
      continue; // share a row with others
    const std::string name{kind_of(kind)};
    const bool timer = name == "timer_fired" || name == "timer_cancelled";
    const auto wanted =
        "| " + (timer ? "timer_fired, timer_cancelled" : name) + " | " + names.row + " |";
    EXPECT_TRUE(rows.contains(wanted)) << wanted;
  }
}

TEST(Codec, NamesTheBlobsOfATurn) {
  const blob_id one{1}, two{2}, three{3};
  events::node_completed done;
  done.ports = {{"main", value_ref{one, 70'000}}, {"b", value_ref{share(1)}}};
  events::node_failed failed;
  failed.error.data = value_ref{two, 70'000};
  events::child_finished child;
  child.error = error_info{};
  child.error->data = value_ref{three, 70'000};
  events::execution_started start;
  start.reused = {{"a", {{"main", value_ref{one, 70'000}}}}};
  std::vector<blob_id> found;
  blobs_of({{1, {}, start}, {2, {}, done}, {3, {}, failed}, {4, {}, child}}, found);
  EXPECT_EQ(found, (std::vector<blob_id>{one, one, two, three}));
}

TEST(TurnRow, RoundTripsAndVerifies) {
  std::vector<event> all;
  for (const auto& kind : every_kind())
    all.push_back(filled(kind, all.size() + 1, all.size(), fill_mode::random));
  const auto text = encode_events(all);
  const chain_hash previous{7, 8, 9};
  const auto header = seal(previous, text, weak_digest);
  EXPECT_EQ(header.count, all.size());
  const auto bytes = encode_turn(header, text);
  const auto row = decode_turn(bytes);
  ASSERT_TRUE(row);
  EXPECT_EQ(row->header.previous, previous);
  EXPECT_EQ(row->header.last, header.last);
  EXPECT_EQ(row->text, text);
  EXPECT_TRUE(verify_turn(*row, weak_digest));
  std::size_t lines = 0;
  chain_hash last{};
  each_line(*row, weak_digest, [&](std::string_view line, const chain_hash& hash) {
    EXPECT_EQ(decode_events(line)->front().seq, ++lines);
    last = hash;
  });
  EXPECT_EQ(last, header.last);
}

TEST(TurnRow, EveryFlippedByteIsFound) {
  const auto text = encode_events({{1, from_millis(1), events::timer_fired{3, from_millis(4)}},
                                   {2, from_millis(1), events::turn_yielded{}}});
  const auto bytes = encode_turn(seal({}, text, weak_digest), text);
  for (std::size_t i = 0; i < bytes.size(); ++i) {
    auto bad = bytes;
    bad[i] = static_cast<char>(bad[i] ^ 0x10);
    const auto row = decode_turn(bad);
    EXPECT_TRUE(!row || !verify_turn(*row, weak_digest)) << "byte " << i;
  }
  for (std::size_t n = 0; n < bytes.size(); ++n) {
    const auto row = decode_turn(std::string_view{bytes}.substr(0, n));
    EXPECT_TRUE(!row || !verify_turn(*row, weak_digest)) << "cut to " << n;
  }
}

} // namespace
} // namespace troupe

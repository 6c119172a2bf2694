// The log keeps what a start may need, and nothing before it.
#include "persistence/store/entry.hpp"
#include "tests/actors/support.hpp"

namespace troupe {

using namespace test;

namespace {

engine_settings keeping_little() {
  engine_settings settings;
  settings.log_entries_kept = 20;
  settings.log_trim_entries_min = 5;
  return settings;
}

void write(node& n, int documents) {
  for (int i = 0; i < documents; ++i) {
    waiting<done_at> done;
    n.it->write_document({"notes", "n" + std::to_string(i), std::nullopt, json::object{{"i", i}}},
                         done.answer());
    ASSERT_TRUE(done.get());
  }
}

/// Indexes that control's log has.
std::vector<std::uint64_t> entries(const node& n) {
  std::vector<std::uint64_t> out;
  const auto prefix = key_builder(partition_id{0}).take();
  EXPECT_TRUE(n.store.scan(table::log, prefix, prefix_end(prefix),
                           [&](std::string_view key, std::string_view) {
                             key_reader reader(key);
                             std::uint16_t partition = 0;
                             std::uint64_t index = 0;
                             EXPECT_TRUE(reader.u16(partition) && reader.u64(index));
                             out.push_back(index);
                             return true;
                           }));
  return out;
}

/// Control has looked at its log. A write behind the tick is answered after it.
void look(node& n, std::int64_t advance_ms = 6'000) {
  ASSERT_TRUE(n.it->move_clock(json::object{{"advance_ms", advance_ms}}));
  write(n, 1);
}

} // namespace

TEST(LogTrim, KeepsTheNewestEntriesAndTheViewsCatchUpFromThem) {
  node n(keeping_little());
  write(n, 60);
  ASSERT_EQ(entries(n).size(), 60u);
  look(n);
  ASSERT_EQ(entries(n).size(), 21u); // and the entry behind the look
  EXPECT_EQ(entries(n).front(), 41u);
  EXPECT_EQ(entries(n).back(), 61u);
  const auto before = n.lists.dump();
  n.it.reset();
  n.lists.clear();
  n.lists.apply(partition_id{0}, 50, {});
  n.open();
  EXPECT_EQ(n.lists.applied(partition_id{0}), 61u);
  EXPECT_FALSE(n.it->status().at("views").at("rebuilding").as_bool());
  EXPECT_EQ(n.lists.dump().size(), 12u) << "what the missing eleven named, and the last one shown";
  EXPECT_EQ(before.size(), 60u);
}

TEST(LogTrim, TakesNeitherFewNorOften) {
  node n(keeping_little());
  write(n, 60);
  look(n);
  write(n, 2);
  look(n);
  EXPECT_EQ(entries(n).front(), 41u) << "three are too few";
  write(n, 20);
  look(n, 1'000);
  EXPECT_EQ(entries(n).front(), 41u) << "too early";
  look(n);
  EXPECT_EQ(entries(n).size(), 21u);
}

TEST(LogTrim, NeverTakesWhatTheViewsDoNotHave) {
  node n(keeping_little());
  write(n, 60);
  n.lists.clear();
  look(n);
  EXPECT_EQ(entries(n).front(), 1u);
  n.lists.clear();
  n.lists.apply(partition_id{0}, 31, {});
  look(n);
  EXPECT_EQ(entries(n).front(), 31u) << "the last one that was shown may be there in part";
  look(n);
  EXPECT_EQ(entries(n).front(), 43u);
}

} // namespace troupe

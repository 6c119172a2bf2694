// What every store must do, on all of them.
#include "persistence/store/memory_store.hpp"
#include "tests/persistence/support.hpp"

#include <algorithm>
#include <functional>

namespace troupe::test {
namespace {

struct subject {
  std::unique_ptr<scratch> dir;
  std::unique_ptr<rocks_store> rocks;
  std::unique_ptr<memory_store> memory;
  row_reader& rows() { return rocks ? static_cast<row_reader&>(*rocks) : *memory; }
  replicated_log& log() { return rocks ? static_cast<replicated_log&>(*rocks) : *memory; }
  log_head head(std::uint16_t p) {
    return rocks ? *rocks->head(static_cast<partition_id>(p))
                 : memory->head(static_cast<partition_id>(p));
  }
};

class StoreContract : public testing::TestWithParam<bool> {
protected:
  void SetUp() override {
    if (GetParam()) {
      stores_.dir = std::make_unique<scratch>();
      stores_.rocks = must_open(options_for(stores_.dir->path() + "/data"));
      ASSERT_TRUE(stores_.rocks);
    } else {
      stores_.memory = std::make_unique<memory_store>();
      stores_.memory->commit_at_once(true);
    }
  }
  std::string keys(table in, std::string_view from, std::string_view to, bool reverse = false,
                   std::size_t limit = 1000) {
    std::string seen;
    const auto done = stores_.rows().scan(
        in, from, to,
        [&](std::string_view, std::string_view value) {
          seen += std::string(value) + " ";
          return --limit > 0;
        },
        reverse);
    EXPECT_TRUE(done.has_value());
    return seen;
  }
  subject stores_;
};

TEST_P(StoreContract, AReadSeesWhatWasAcknowledged) {
  const auto index = commit(stores_.log(), one_row(1, 7, "seven"));
  ASSERT_TRUE(index.has_value());
  EXPECT_EQ(*index, 1U);
  EXPECT_EQ(stores_.log().applied(partition_id{1}), 1U);
  EXPECT_EQ(stores_.log().applied(partition_id{2}), 0U);
  EXPECT_EQ(**stores_.rows().get(table::documents, document_key(1, 7)), "seven");
  EXPECT_FALSE(stores_.rows().get(table::documents, document_key(1, 8))->has_value());
  EXPECT_FALSE(stores_.rows().get(table::events, document_key(1, 7))->has_value());
}

TEST_P(StoreContract, ScansInKeyOrderBothWaysWithinBounds) {
  for (const std::uint64_t n : {3, 1, 256, 2, 255})
    ASSERT_TRUE(commit(stores_.log(), one_row(1, n, std::to_string(n))).has_value());
  ASSERT_TRUE(commit(stores_.log(), one_row(2, 9, "other")).has_value());
  const auto p1 = key_builder(partition_id{1}).take();
  EXPECT_EQ(keys(table::documents, p1, prefix_end(p1)), "1 2 3 255 256 ");
  EXPECT_EQ(keys(table::documents, p1, prefix_end(p1), true), "256 255 3 2 1 ");
  EXPECT_EQ(keys(table::documents, p1, prefix_end(p1), false, 2), "1 2 ");
  EXPECT_EQ(keys(table::documents, p1, prefix_end(p1), true, 1), "256 ");
  EXPECT_EQ(keys(table::documents, document_key(1, 2), document_key(1, 255)), "2 3 ");
  EXPECT_EQ(keys(table::documents, document_key(1, 2), document_key(1, 255), true), "3 2 ");
  EXPECT_EQ(keys(table::documents, document_key(1, 4), ""), "255 256 other ");
  EXPECT_EQ(keys(table::documents, document_key(1, 4), document_key(1, 3)), "");
}

TEST_P(StoreContract, ScansOneRunByItsPrefix) {
  proposal what;
  what.partition = partition_id{1};
  for (std::uint8_t run = 1; run <= 3; ++run)
    for (std::uint64_t seq = 1; seq <= 3; ++seq) {
      uuid id;
      id.bytes.fill(run);
      what.facts.push_back(put(table::events, key_builder(partition_id{1}).id(id).u64(seq).take(),
                               std::to_string(run) + "/" + std::to_string(seq)));
    }
  ASSERT_TRUE(commit(stores_.log(), what).has_value());
  if (stores_.rocks) {
    ASSERT_TRUE(stores_.rocks->flush(table::events).has_value());
  }
  uuid id;
  id.bytes.fill(2);
  const auto prefix = key_builder(partition_id{1}).id(id).take();
  EXPECT_EQ(keys(table::events, prefix, prefix_end(prefix)), "2/1 2/2 2/3 ");
  const auto from = key_builder(partition_id{1}).id(id).u64(2).take();
  EXPECT_EQ(keys(table::events, from, prefix_end(prefix)), "2/2 2/3 ");
  EXPECT_EQ(keys(table::events, prefix, prefix_end(prefix), true), "2/3 2/2 2/1 ");
  EXPECT_EQ(keys(table::events, from, ""), "2/2 2/3 3/1 3/2 3/3 ");
}

TEST_P(StoreContract, ChangesOfAProposalApplyInOrder) {
  auto what = one_row(1, 1, "first");
  what.facts.push_back(put(table::documents, document_key(1, 2), "kept"));
  what.derived.push_back(erase(table::documents, document_key(1, 1)));
  what.derived.push_back(put(table::documents, document_key(1, 1), "last"));
  ASSERT_TRUE(commit(stores_.log(), what).has_value());
  const auto p1 = key_builder(partition_id{1}).take();
  EXPECT_EQ(keys(table::documents, p1, prefix_end(p1)), "last kept ");
  proposal gone;
  gone.partition = partition_id{1};
  gone.facts.push_back(erase_range(table::documents, document_key(1, 1), document_key(1, 2)));
  gone.facts.push_back(erase_range(table::documents, document_key(1, 9), document_key(1, 3)));
  gone.facts.push_back(erase(table::documents, document_key(1, 77)));
  ASSERT_TRUE(commit(stores_.log(), gone).has_value());
  EXPECT_EQ(keys(table::documents, p1, prefix_end(p1)), "kept ");
}

TEST_P(StoreContract, RunsArePurgedWhileOthersGrow) {
  const auto id_of = [](std::uint64_t run) {
    uuid id;
    id.bytes.fill(static_cast<std::uint8_t>(run));
    return id;
  };
  const auto runs = [&](table in) {
    const auto p1 = key_builder(partition_id{1}).take();
    return keys(in, p1, prefix_end(p1));
  };
  for (std::uint64_t round = 1; round <= 200; ++round) {
    proposal grow;
    grow.partition = partition_id{1};
    for (std::uint64_t run = 1; run <= 5; ++run)
      for (const auto in : {table::events, table::outputs})
        grow.facts.push_back(put(in, key_builder(partition_id{1}).id(id_of(run)).u64(round).take(),
                                 std::to_string(run) + "/" + std::to_string(round)));
    ASSERT_TRUE(commit(stores_.log(), grow).has_value());
    proposal purge;
    purge.partition = partition_id{1};
    for (const auto run : {round % 5 + 1, std::uint64_t{3}}) {
      const auto prefix = key_builder(partition_id{1}).id(id_of(run)).take();
      for (const auto in : {table::events, table::outputs})
        purge.facts.push_back(erase_range(in, prefix, prefix_end(prefix)));
    }
    ASSERT_TRUE(commit(stores_.log(), purge).has_value());
  }
  for (const auto in : {table::events, table::outputs})
    EXPECT_EQ(runs(in), "2/197 2/198 2/199 2/200 4/199 4/200 5/200 ") << static_cast<int>(in);
}

TEST_P(StoreContract, TheLogTellsWhatAnEntryChangedAndChainsItsFacts) {
  ASSERT_TRUE(commit(stores_.log(), one_row(3, 1, "a")).has_value());
  const auto before = stores_.head(3);
  ASSERT_TRUE(commit(stores_.log(), one_row(3, 2, "b")).has_value());
  const auto after = stores_.head(3);
  EXPECT_EQ(before.applied, 1U);
  EXPECT_EQ(after.applied, 2U);
  EXPECT_NE(before.audit, after.audit);
  const auto row = *stores_.rows().get(table::log, log_key(partition_id{3}, 2));
  ASSERT_TRUE(row.has_value());
  EXPECT_EQ(*changed_of(*row), std::vector<std::string_view>{"2"});
  memory_store twin;
  twin.commit_at_once(true);
  ASSERT_TRUE(commit(twin, one_row(3, 1, "a")).has_value());
  EXPECT_EQ(twin.head(partition_id{3}), before) << "all stores hash alike";
  EXPECT_EQ(after.audit,
            chain(before.audit, std::string("\x06p\0\0\0\x0a", 6) + document_key(3, 2) +
                                    std::string("\0\0\0\x01", 4) + "b"));
}

TEST_P(StoreContract, AnswersEveryProposalOnceInOrder) {
  std::vector<std::uint64_t> answers;
  std::promise<void> all;
  for (std::uint64_t n = 0; n < 1500; ++n)
    stores_.log().propose(one_row(1, n, "x"), [&, n](const result<std::uint64_t>& index) {
      ASSERT_TRUE(index.has_value());
      EXPECT_EQ(answers.size(), n);
      answers.push_back(*index);
      if (n == 1499)
        all.set_value();
    });
  all.get_future().get();
  EXPECT_TRUE(std::is_sorted(answers.begin(), answers.end()));
  EXPECT_EQ(stores_.log().applied(partition_id{1}), answers.back());
  // Every proposal's change is in the entry that its answer named.
  std::size_t told = 0;
  const auto prefix = key_builder(partition_id{1}).take();
  std::vector<std::string> rows;
  ASSERT_TRUE(stores_.rows()
                  .scan(table::log, prefix, prefix_end(prefix),
                        [&](std::string_view, std::string_view value) {
                          rows.emplace_back(value);
                          return true;
                        })
                  .has_value());
  for (const auto& row : rows) {
    const auto changed = changed_of(row);
    ASSERT_TRUE(changed.has_value());
    for (const auto& one : *changed)
      EXPECT_EQ(one, std::to_string(told++));
  }
  EXPECT_EQ(told, 1500U);
  EXPECT_EQ(stores_.log().queued().proposals, 0U);
}

TEST_P(StoreContract, TheLogIsTrimmed) {
  for (std::uint64_t n = 0; n < 10; ++n)
    ASSERT_TRUE(commit(stores_.log(), one_row(1, n, "x")).has_value());
  stores_.log().trim_log(partition_id{1}, 7);
  ASSERT_TRUE(commit(stores_.log(), one_row(2, 1, "x")).has_value());
  const auto first = key_builder(partition_id{1}).take();
  std::vector<std::string> left;
  ASSERT_TRUE(stores_.rows()
                  .scan(table::log, first, prefix_end(first),
                        [&](std::string_view key, std::string_view) {
                          left.emplace_back(key);
                          return true;
                        })
                  .has_value());
  EXPECT_EQ(left,
            (std::vector<std::string>{log_key(partition_id{1}, 8), log_key(partition_id{1}, 9),
                                      log_key(partition_id{1}, 10)}));
  EXPECT_EQ(stores_.log().applied(partition_id{1}), 10U);
  EXPECT_TRUE(stores_.rows().get(table::log, log_key(partition_id{2}, 1))->has_value());
}

INSTANTIATE_TEST_SUITE_P(All, StoreContract, testing::Bool(), [](const auto& chosen) {
  return chosen.param ? std::string("Rocks") : std::string("Memory");
});

TEST(MemoryStore, CommitsWhenTold) {
  memory_store store;
  std::vector<std::uint64_t> answers;
  const auto note = [&](const result<std::uint64_t>& index) {
    answers.push_back(index ? *index : 0);
  };
  store.propose(one_row(1, 1, "a"), note);
  store.propose(one_row(1, 2, "b"), note);
  store.propose(one_row(2, 3, "c"), note);
  EXPECT_EQ(store.queued().proposals, 3U);
  EXPECT_FALSE(store.get(table::documents, document_key(1, 1))->has_value());
  EXPECT_EQ(store.commit_all(), 3U);
  EXPECT_EQ(answers, (std::vector<std::uint64_t>{1, 1, 1})) << "one entry a partition and flush";
  store.fail_next(1);
  store.propose(one_row(1, 4, "d"), [&](const result<std::uint64_t>& index) {
    EXPECT_EQ(index.error().code, "storage_full");
  });
  store.propose(one_row(1, 5, "e"), note);
  store.commit_all();
  EXPECT_EQ(answers.back(), 2U);
  store.close();
  store.propose(one_row(1, 6, "f"), [&](const result<std::uint64_t>& index) {
    EXPECT_EQ(index.error().code, "shutting_down");
  });
}

TEST(Entries, HoldAtMost512ProposalsAnd256Kibibytes) {
  const auto indices = [](std::size_t count, std::size_t bytes) {
    memory_store store;
    std::vector<std::uint64_t> seen;
    for (std::size_t i = 0; i < count; ++i)
      store.propose(one_row(1, i, std::string(bytes, 'x')),
                    [&](const result<std::uint64_t>& index) { seen.push_back(*index); });
    store.commit_all();
    return seen;
  };
  const auto many = indices(1025, 1);
  EXPECT_EQ(std::count(many.begin(), many.end(), 1U), 512);
  EXPECT_EQ(std::count(many.begin(), many.end(), 2U), 512);
  EXPECT_EQ(many.back(), 3U);
  const auto large = indices(8, 100'000);
  EXPECT_EQ(large, (std::vector<std::uint64_t>{1, 1, 2, 2, 3, 3, 4, 4}));
  EXPECT_EQ(indices(2, 400'000), (std::vector<std::uint64_t>{1, 2}));
}

} // namespace
} // namespace troupe::test

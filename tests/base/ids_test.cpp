#include "runtime/base/ids.hpp"
#include "runtime/base/prng.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(Ids, ReadsOnlyTheCanonicalForm) {
  const char* good = "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b";
  ASSERT_TRUE(uuid_from_text(good));
  EXPECT_EQ(to_text(*uuid_from_text(good)), good);
  EXPECT_EQ(to_text(*uuid_from_text("0190A1B2-C3D4-7E5F-8A9B-0C1D2E3F4A5B")), good);
  for (const char* bad :
       {"", "0190a1b2c3d47e5f8a9b0c1d2e3f4a5b", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5",
        "{0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5}", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5bb",
        "0190a1b2-c3d4-7e5f-8a9b_0c1d2e3f4a5b", "0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5g",
        "0190a1b2-c3d47-e5f-8a9b-0c1d2e3f4a5b", "+190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"})
    EXPECT_FALSE(uuid_from_text(bad)) << bad;
}

TEST(Ids, CarryTimeAndPartition) {
  prng random(7);
  for (std::uint16_t p = 0; p < 4096; p = static_cast<std::uint16_t>(p + 5)) {
    const run_id run = make_run_id(from_millis(0x0190a1b2c3d4), partition_id{p}, random.next());
    EXPECT_EQ(number(partition_of(run)), p);
    const std::string text = to_text(run);
    EXPECT_EQ(text.substr(0, 15), "0190a1b2-c3d4-7");
    EXPECT_NE(std::string("89ab").find(text[19]), std::string::npos) << text;
    ASSERT_TRUE(run_id_from_text(text));
    EXPECT_EQ(*run_id_from_text(text), run);
  }
}

TEST(Ids, RefuseARunIdOfAnotherVersion) {
  EXPECT_TRUE(run_id_from_text("0190a1b2-c3d4-7e5f-8a9b-0c1d2e3f4a5b"));
  EXPECT_FALSE(run_id_from_text("0190a1b2-c3d4-4e5f-8a9b-0c1d2e3f4a5b"));
  EXPECT_FALSE(run_id_from_text("0190a1b2-c3d4-7e5f-ca9b-0c1d2e3f4a5b"));
}

TEST(Ids, OrderByTimeAsTheirTextDoes) {
  prng random(11);
  run_id before = make_run_id(from_millis(1), partition_id{3}, random.next());
  for (int i = 2; i < 500; ++i) {
    const run_id after = make_run_id(from_millis(i * 1000), partition_id{3}, random.next());
    EXPECT_LT(before, after);
    EXPECT_LT(to_text(before), to_text(after));
    before = after;
  }
}

} // namespace
} // namespace troupe

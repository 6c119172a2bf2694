#include "runtime/base/instant.hpp"
#include "runtime/base/prng.hpp"

#include <gtest/gtest.h>

#include <limits>

namespace troupe {
namespace {

TEST(Instant, ReadsRfc3339) {
  const std::pair<const char*, const char*> cases[] = {
      {"2026-11-21T03:45:00.123Z", "2026-11-21T03:45:00.123Z"},
      {"2026-11-21T03:45:00Z", "2026-11-21T03:45:00.000Z"},
      {"2026-11-21t03:45:00z", "2026-11-21T03:45:00.000Z"},
      {"2026-11-21 03:45:00Z", "2026-11-21T03:45:00.000Z"},
      {"2026-11-21T03:45:00.1Z", "2026-11-21T03:45:00.100Z"},
      {"2026-11-21T03:45:00.123999999999Z", "2026-11-21T03:45:00.123Z"},
      {"2026-11-21T03:45:00+02:30", "2026-11-21T01:15:00.000Z"},
      {"2026-11-21T03:45:00-05:00", "2026-11-21T08:45:00.000Z"},
      {"2026-12-31T23:30:00-01:00", "2027-01-01T00:30:00.000Z"},
      {"2024-02-29T00:00:00Z", "2024-02-29T00:00:00.000Z"},
      {"1969-12-31T23:59:59.999Z", "1969-12-31T23:59:59.999Z"},
      {"1970-01-01T00:00:00-00:00", "1970-01-01T00:00:00.000Z"},
      {"2016-12-31T23:59:60Z", "2017-01-01T00:00:00.000Z"},
      {"0000-01-01T00:00:00Z", "0000-01-01T00:00:00.000Z"},
      {"9999-12-31T23:59:59.999Z", "9999-12-31T23:59:59.999Z"},
  };
  for (const auto& [text, expected] : cases) {
    const auto at = instant_from_text(text);
    ASSERT_TRUE(at) << text;
    EXPECT_EQ(to_text(*at), expected) << text;
  }
}

TEST(Instant, RefusesWhatIsNotRfc3339) {
  for (const char* text : {"",
                           "2026",
                           "2026-11-21",
                           "2026-11-21T03:45:00",
                           "2026-11-21T03:45Z",
                           "2026-13-01T00:00:00Z",
                           "2026-02-29T00:00:00Z",
                           "2026-11-31T00:00:00Z",
                           "2026-00-10T00:00:00Z",
                           "2026-11-00T00:00:00Z",
                           "2026-11-21T24:00:00Z",
                           "2026-11-21T23:60:00Z",
                           "2026-11-21T23:00:61Z",
                           "2026-11-21T03:45:00.Z",
                           "2026-11-21T03:45:00+0230",
                           "2026-11-21T03:45:00+24:00",
                           "2026-11-21T03:45:00+02:60",
                           "2026-11-21T03:45:00Z ",
                           " 2026-11-21T03:45:00Z",
                           "2026-11-21T03:45:00ZZ",
                           "26-11-21T03:45:00Z",
                           "+2026-11-21T03:45:00Z",
                           "2026/11/21T03:45:00Z",
                           "2026-1-21T03:45:00Z",
                           "2026-11-21X03:45:00Z",
                           "2026-11-21T-3:45:00Z",
                           "2026-11-21T03:45:00,5Z",
                           "2026-11-21T03:45:00.5"})
    EXPECT_FALSE(instant_from_text(text)) << text;
}

TEST(Instant, RoundTripsEveryMillisecond) {
  const std::uint64_t seed = 3;
  prng random(seed);
  for (int i = 0; i < 100'000; ++i) {
    const instant at = from_millis(static_cast<std::int64_t>(random.below(253'402'300'800'000)));
    ASSERT_EQ(instant_from_text(to_text(at)), at) << to_text(at) << " seed " << seed;
  }
}

TEST(Instant, ClampsWhatHasNoFourDigitYear) {
  EXPECT_EQ(to_text(from_millis(std::numeric_limits<std::int64_t>::max())),
            "9999-12-31T23:59:59.999Z");
  EXPECT_EQ(to_text(from_millis(std::numeric_limits<std::int64_t>::min())),
            "0000-01-01T00:00:00.000Z");
}

} // namespace
} // namespace troupe

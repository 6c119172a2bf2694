#include "persistence/store/digest.hpp"
#include "persistence/store/tables.hpp"

#include <gtest/gtest.h>
#include <rapidcheck/gtest.h>

#include <algorithm>
#include <tuple>

namespace troupe {
namespace {

using parts = std::tuple<std::uint16_t, std::uint8_t, std::string, std::uint64_t, std::string>;

std::string key_of(const parts& p) {
  uuid id;
  std::copy_n(std::get<4>(p).begin(), 16, id.bytes.begin());
  return key_builder(static_cast<partition_id>(std::get<0>(p)))
      .u8(std::get<1>(p))
      .text(std::get<2>(p))
      .u64(std::get<3>(p))
      .id(id)
      .take();
}

rc::Gen<parts> any_parts() {
  // Few distinct values, so that ties in the first parts are common.
  return rc::gen::tuple(
      rc::gen::element<std::uint16_t>(0, 1, 255, 256, 65535),
      rc::gen::element<std::uint8_t>(0, 1, 255),
      rc::gen::container<std::string>(rc::gen::element('\x01', 'a', 'b', static_cast<char>(0xff))),
      rc::gen::oneOf(rc::gen::arbitrary<std::uint64_t>(),
                     rc::gen::element<std::uint64_t>(0, 255, 256, UINT64_MAX)),
      rc::gen::container<std::string>(16, rc::gen::element('\0', 'a', static_cast<char>(0x80))));
}

RC_GTEST_PROP(Keys, SortLikeTheirParts, ()) {
  const auto a = *any_parts();
  const auto b = *any_parts();
  RC_ASSERT((key_of(a) < key_of(b)) == (a < b));
  RC_ASSERT((key_of(a) == key_of(b)) == (a == b));
}

RC_GTEST_PROP(Keys, AreReadBack, ()) {
  const auto p = *any_parts();
  const auto key = key_of(p);
  key_reader reader(key);
  std::uint16_t partition = 0;
  std::uint8_t byte = 0;
  std::string_view text;
  std::uint64_t number = 0;
  uuid id;
  RC_ASSERT(reader.u16(partition) && reader.u8(byte) && reader.text(text) && reader.u64(number) &&
            reader.id(id));
  RC_ASSERT(reader.rest().empty());
  RC_ASSERT(partition == std::get<0>(p) && byte == std::get<1>(p) && text == std::get<2>(p) &&
            number == std::get<3>(p));
}

RC_GTEST_PROP(Keys, PrefixEndIsTheFirstKeyBehindThePrefix, (std::string prefix, std::string tail)) {
  const auto end = prefix_end(prefix);
  RC_ASSERT(end.empty() || prefix + tail < end);
  RC_ASSERT(!end.empty() ||
            std::all_of(prefix.begin(), prefix.end(), [](char c) { return c == '\xff'; }));
}

TEST(Keys, PrefixEndCarries) {
  EXPECT_EQ(prefix_end("ab"), "ac");
  EXPECT_EQ(prefix_end("a\xff\xff"), "b");
  EXPECT_EQ(prefix_end("\xff"), "");
  EXPECT_EQ(prefix_end(""), "");
}

TEST(Keys, ReadingStopsAtTheEnd) {
  key_reader reader(std::string_view("\x01", 1));
  std::uint16_t v = 0;
  uuid id;
  std::string_view text;
  EXPECT_FALSE(reader.u16(v));
  EXPECT_FALSE(reader.id(id));
  EXPECT_FALSE(reader.text(text));
}

TEST(Tables, HaveDistinctNames) {
  std::vector<std::string_view> names;
  for (std::size_t i = 0; i < table_count; ++i)
    names.push_back(name_of(static_cast<table>(i)));
  std::sort(names.begin(), names.end());
  EXPECT_EQ(std::adjacent_find(names.begin(), names.end()), names.end());
  EXPECT_EQ(name_of(table::blob_refs), "blob_refs");
  EXPECT_EQ(name_of(table::system), "system");
}

TEST(Digest, MatchesTheStandardsVectors) {
  EXPECT_EQ(to_hex(sha256("abc")),
            "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(to_hex(sha256("")), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  sha256_stream pieces;
  pieces.add("a");
  pieces.add("bc");
  EXPECT_EQ(pieces.finish(), sha256("abc"));
  EXPECT_EQ(pieces.finish(), sha256(""));
  const auto previous = sha256("x");
  EXPECT_EQ(chain(previous, "abc"),
            sha256(std::string(reinterpret_cast<const char*>(previous.data()), 32) + "abc"));
}

} // namespace
} // namespace troupe

// Hash, encodings and UTF-8.
#include "runtime/base/encoding.hpp"
#include "runtime/base/hash.hpp"
#include "runtime/base/prng.hpp"
#include "runtime/base/utf8.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

TEST(Hash, IsXxh64) {
  // The reference implementation's vectors: its sanity buffer, bytes of a multiplicative generator.
  std::string buffer;
  std::uint64_t state = 2654435761U;
  for (int i = 0; i < 222; ++i) {
    buffer.push_back(static_cast<char>(state >> 56));
    state *= 11400714785074694797ULL;
  }
  const std::string_view bytes = buffer;
  EXPECT_EQ(hash64(""), 0xEF46DB3751D8E999ULL);
  EXPECT_EQ(hash64("", 2654435761U), 0xAC75FDA2929B17EFULL);
  EXPECT_EQ(hash64("a"), 0xD24EC4F1A98C6E5BULL);
  EXPECT_EQ(hash64("abc"), 0x44BC2CF5AD770999ULL);
  EXPECT_EQ(hash64(bytes.substr(0, 1)), 0xE934A84ADB052768ULL);
  EXPECT_EQ(hash64(bytes.substr(0, 1), 2654435761U), 0x5014607643A9B4C3ULL);
  EXPECT_EQ(hash64(bytes.substr(0, 14)), 0x8282DCC4994E35C8ULL);
  EXPECT_EQ(hash64(bytes, 2654435761U), 0x20CB8AB7AE10C14AULL);
  EXPECT_EQ(hash64(bytes), 0xB641AE8CB691C174ULL);
}

TEST(Encoding, FollowsTheVectorsOfRfc4648) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(to_base64(bytes), text);
    EXPECT_EQ(from_base64(text), bytes);
  }
  EXPECT_EQ(to_base64url("\xff\xfe\xfd\xfc"), "__79_A");
  EXPECT_EQ(from_base64("__79_A"), "\xff\xfe\xfd\xfc");
  EXPECT_EQ(from_base64("//79/A=="), "\xff\xfe\xfd\xfc");
  for (const char* bad :
       {"A", "Zg=", "Zg===", "Zh==", "Zm9=", "Z g=", "Zg==\n", "=", "====", "Zm9v!"})
    EXPECT_FALSE(from_base64(bad)) << bad;
}

TEST(Encoding, RoundTripsRandomBytes) {
  prng random(5);
  for (std::size_t length = 0; length < 200; ++length) {
    std::string bytes;
    for (std::size_t i = 0; i < length; ++i)
      bytes.push_back(static_cast<char>(random.next()));
    EXPECT_EQ(from_base64(to_base64(bytes)), bytes);
    EXPECT_EQ(from_base64(to_base64url(bytes)), bytes);
    EXPECT_EQ(from_hex(to_hex(bytes)), bytes);
  }
  EXPECT_EQ(to_hex("\x01\xab"), "01ab");
  EXPECT_EQ(from_hex("01AB"), "\x01\xab");
  EXPECT_FALSE(from_hex("0"));
  EXPECT_FALSE(from_hex("0g"));
}

TEST(Utf8, KnowsWhatIsWellFormed) {
  for (const char* good :
       {"", "a", "\u00e9", "\u0800", "\uffff", "\U00010000", "\U0010ffff", "\xed\x9f\xbf"})
    EXPECT_TRUE(valid_utf8(good)) << good;
  for (const char* bad :
       {"\x80", "\xc0\x80", "\xc1\xbf", "\xe0\x9f\xbf", "\xed\xa0\x80", "\xf0\x8f\xbf\xbf",
        "\xf4\x90\x80\x80", "\xf5\x80\x80\x80", "\xe4\xb8", "a\xff"})
    EXPECT_FALSE(valid_utf8(bad));
  EXPECT_EQ(utf8_length("h\u00e9\U0001F600\xff"), 4U);
}

} // namespace
} // namespace troupe

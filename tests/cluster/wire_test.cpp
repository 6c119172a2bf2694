// The frames between nodes: what is written is read again, what is damaged is refused.
#include "net/cluster/wire.hpp"
#include "runtime/base/prng.hpp"

#include <gtest/gtest.h>

#include <random>

namespace troupe::cluster {
namespace {

hello some_hello() {
  return {wire_version,
          {"cluster", 7, "incarnation", "0.2.0", 3, 4, "https://one.example:8443", 5, "0badcafe",
           "a,b"}};
}

std::string text_of(const byte_buffer& bytes) {
  return {bytes.begin(), bytes.end()};
}

std::string payload_of(const byte_buffer& frame) {
  return text_of(frame).substr(frame_header_bytes);
}

std::string batch_of(const std::vector<std::pair<lane, std::string>>& messages) {
  byte_buffer out;
  for (const auto& [in, bytes] : messages)
    write_message(out, in, bytes);
  return text_of(out);
}

} // namespace

TEST(Wire, ReadsWhatItWrites) {
  byte_buffer out;
  write_hello(out, some_hello());
  const auto header = read_header(text_of(out));
  ASSERT_TRUE(header);
  EXPECT_EQ(header->kind, frame_kind::hello);
  EXPECT_EQ(header->size, out.size() - frame_header_bytes);
  const auto said = read_hello(payload_of(out));
  ASSERT_TRUE(said);
  const auto expected = some_hello();
  EXPECT_EQ(said->version, expected.version);
  EXPECT_EQ(said->who.cluster_id, expected.who.cluster_id);
  EXPECT_EQ(said->who.node, expected.who.node);
  EXPECT_EQ(said->who.incarnation, expected.who.incarnation);
  EXPECT_EQ(said->who.version, expected.who.version);
  EXPECT_EQ(said->who.release, expected.who.release);
  EXPECT_EQ(said->who.feature_level, expected.who.feature_level);
  EXPECT_EQ(said->who.http_url, expected.who.http_url);

  out.clear();
  write_acknowledged(out, 0x1234'5678'9abc'def0u);
  EXPECT_EQ(read_acknowledged(payload_of(out)), 0x1234'5678'9abc'def0u);
  out.clear();
  write_plain(out, frame_kind::heartbeat);
  EXPECT_EQ(text_of(out), std::string("\0\0\0\0\6", 5));

  const std::vector<std::pair<lane, std::string>> messages{
      {lane::consensus, "one"}, {lane::request, ""}, {lane::bulk, std::string(100'000, 'x')}};
  const auto payload = batch_of(messages);
  const auto read = read_batch(payload, 100'000);
  ASSERT_TRUE(read);
  ASSERT_EQ(read->size(), messages.size());
  for (std::size_t i = 0; i < messages.size(); ++i) {
    EXPECT_EQ((*read)[i].in, messages[i].first);
    EXPECT_EQ((*read)[i].bytes, messages[i].second);
  }
  EXPECT_FALSE(read_batch(payload, 99'999)) << "a message that is longer than allowed";
}

TEST(Wire, AHelloOfALaterReleaseMaySayMore) {
  byte_buffer out;
  write_hello(out, some_hello());
  EXPECT_TRUE(read_hello(payload_of(out) + "more"));
}

TEST(Wire, RefusesWhatIsDamaged) {
  byte_buffer out;
  write_hello(out, some_hello());
  const auto whole = payload_of(out);
  const auto former = whole.size() - (4 + 2 + 8 + 2 + 3); // as a former release says it
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_EQ(read_hello(std::string_view{whole}.substr(0, size)).has_value(), size == former)
        << size;
  EXPECT_FALSE(read_hello("GET / HTTP/1.1\r\nHost: somebody\r\n\r\n"));

  const auto batch = batch_of({{lane::consensus, "abc"}, {lane::bulk, "defg"}});
  for (std::size_t size = 1; size < batch.size(); ++size)
    EXPECT_EQ(read_batch(std::string_view{batch}.substr(0, size), 100).has_value(), size == 8)
        << size;
  struct row {
    const char* what;
    std::string bytes;
  };
  const row rows[] = {
      {"lane 0", std::string("\0\1\0\0\0x", 6)},
      {"lane 4", std::string("\4\1\0\0\0x", 6)},
      {"longer than the frame", std::string("\1\2\0\0\0x", 6)},
      {"4 GiB", std::string("\1\xff\xff\xff\xffx", 6)},
  };
  for (const auto& one : rows)
    EXPECT_FALSE(read_batch(one.bytes, std::size_t{8} << 30)) << one.what;

  for (const char kind : {'\0', '\7', '\xff'})
    EXPECT_FALSE(read_header(std::string("\1\0\0\0", 4) + kind)) << int{kind};
  EXPECT_FALSE(read_header("1234"));
  EXPECT_FALSE(read_acknowledged("1234567"));
  EXPECT_FALSE(read_acknowledged("123456789"));
}

TEST(Wire, WordsOfARefusalAreFitToBeShown) {
  EXPECT_EQ(read_refusal("go\t\x1b[31maway\xff").words, "go??[31maway?");
  EXPECT_EQ(read_refusal("go").code, "");
  EXPECT_EQ(read_refusal("go\naway\x1b").words, "go");
  EXPECT_EQ(read_refusal("go\naway\x1b").code, "away?");
  EXPECT_EQ(read_refusal(std::string(100'000, 'x')).words.size(), refusal_text_max);
  EXPECT_EQ(read_refusal("\n" + std::string(100'000, 'x')).code.size(), refusal_code_max);
  byte_buffer frame;
  write_refusal(frame, {"code", "why"});
  EXPECT_EQ(read_refusal(payload_of(frame)).words, "why");
  EXPECT_EQ(read_refusal(payload_of(frame)).code, "code");
}

TEST(Wire, AFormerReleaseSaysLessInItsHello) {
  auto said = some_hello();
  byte_buffer frame;
  write_hello(frame, said);
  auto payload = payload_of(frame);
  const auto more = sizeof(std::uint32_t) + 2 * sizeof(std::uint16_t) + said.who.store.size() +
                    said.who.lives.size();
  const auto back = read_hello(payload);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->who.recovery, said.who.recovery);
  EXPECT_EQ(back->who.store, said.who.store);
  EXPECT_EQ(back->who.lives, said.who.lives);
  const auto former = read_hello(payload.substr(0, payload.size() - more));
  ASSERT_TRUE(former);
  EXPECT_EQ(former->who.node, said.who.node);
  EXPECT_EQ(former->who.recovery, 0u);
  EXPECT_EQ(former->who.store + former->who.lives, "");
  EXPECT_FALSE(read_hello(payload.substr(0, payload.size() - 1)));
}

TEST(Wire, MutatedBytesNeverHurt) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE("seed " + std::to_string(seed));
  prng random(seed);
  byte_buffer frame;
  write_hello(frame, some_hello());
  const std::string seeds[] = {payload_of(frame),
                               batch_of({{lane::consensus, "abc"}, {lane::bulk, "defgh"}}), ""};
  for (int round = 0; round < 20'000; ++round) {
    auto bytes = seeds[random.below(3)];
    for (auto changes = random.below(4) + 1; changes > 0; --changes) {
      const auto at = random.below(bytes.size() + 1);
      if (random.below(3) == 0)
        bytes.insert(at, 1, static_cast<char>(random.next()));
      else if (at < bytes.size() && random.below(2) == 0)
        bytes.erase(at, random.below(8));
      else if (at < bytes.size())
        bytes[at] = static_cast<char>(random.next());
    }
    // Every view must lie within the bytes; the sanitizers see the rest.
    if (const auto messages = read_batch(bytes, 100))
      for (const auto& one : *messages) {
        ASSERT_GE(one.bytes.data(), bytes.data());
        ASSERT_LE(one.bytes.data() + one.bytes.size(), bytes.data() + bytes.size());
      }
    if (const auto said = read_hello(bytes)) {
      ASSERT_LE(said->who.cluster_id.size(), identity_text_max);
      ASSERT_LE(said->who.http_url.size(), bytes.size());
    }
    read_refusal(bytes);
    read_acknowledged(bytes);
    read_header(bytes);
  }
}

} // namespace troupe::cluster

// What goes between gateways survives the way, and no foreign bytes do harm.
#include "actors/gateway/relay_codec.hpp"

#include <gtest/gtest.h>

#include <random>

namespace troupe::gate {
namespace {

http::request sample_request() {
  http::request r;
  r.verb = http::method::patch;
  r.verb_text = "PATCH";
  r.path = "/api/v1/workflows/a b";
  r.query = {{"wait", "5"}, {"wait", ""}, {"ü", "%"}};
  r.body = std::string("\0\x01{\"a\":1}", 9);
  r.remote_address = "10.0.0.7";
  return r;
}

const header_list sample_headers{{"accept", "a"}, {"accept", "b"}, {"x-request-id", "mine"}};

TEST(RelayCodec, KeepsARequest) {
  const auto what = sample_request();
  const auto got = decode_request(encode_request(what, sample_headers, {2, 77}));
  ASSERT_TRUE(got) << got.error().message;
  EXPECT_EQ(got->facts.redirects, 2);
  EXPECT_EQ(got->facts.control_told, 77u);
  EXPECT_EQ(got->what.verb, what.verb);
  EXPECT_EQ(got->what.verb_text, what.verb_text);
  EXPECT_EQ(got->what.path, what.path);
  EXPECT_EQ(got->what.query, what.query);
  EXPECT_EQ(got->what.headers, sample_headers);
  EXPECT_EQ(got->what.body, what.body);
  EXPECT_EQ(got->what.remote_address, what.remote_address);
}

TEST(RelayCodec, KeepsAnswersAndRefusals) {
  http::response r{418, {{"Set-Cookie", "a"}, {"Set-Cookie", "b"}}, "not used", {}};
  r.shared_body = std::make_shared<const std::string>("{\"x\":1}");
  const auto got = decode_answer(encode_answer(r));
  ASSERT_TRUE(got);
  const auto& answer = std::get<http::response>(*got);
  EXPECT_EQ(answer.status, 418u);
  EXPECT_EQ(answer.headers, r.headers);
  EXPECT_EQ(answer.body, "{\"x\":1}");

  const failure why{failure_kind::unavailable, "not_leader", "elsewhere", "3", {}};
  const auto no = decode_answer(encode_refusal(why));
  ASSERT_TRUE(no);
  const auto& refused = std::get<failure>(*no);
  EXPECT_EQ(refused.kind, why.kind);
  EXPECT_EQ(refused.code + refused.message + refused.hint, "not_leaderelsewhere3");
}

TEST(RelayCodec, TellsOtherVersionsFromNonsense) {
  auto bytes = encode_request(sample_request(), sample_headers, {});
  bytes[0] = 2;
  EXPECT_EQ(decode_request(bytes).error().code, "relay_version");
  EXPECT_EQ(decode_answer(bytes).error().code, "relay_version");
  EXPECT_EQ(decode_request("").error().code, "relay_malformed");
  EXPECT_EQ(decode_answer(std::string("\x01\x03", 2)).error().code, "relay_malformed");
}

TEST(RelayCodec, RefusesWhatIsCutOrLonger) {
  const auto request = encode_request(sample_request(), sample_headers, {1, 2});
  const auto answer = encode_answer({200, {{"a", "b"}}, "body", {}});
  const auto refusal = encode_refusal({failure_kind::internal, "a", "b", "c", {}});
  for (std::size_t n = 0; n < request.size(); ++n)
    EXPECT_FALSE(decode_request(std::string_view(request).substr(0, n))) << n;
  for (const auto& whole : {answer, refusal})
    for (std::size_t n = 0; n < whole.size(); ++n)
      EXPECT_FALSE(decode_answer(std::string_view(whole).substr(0, n))) << n;
  EXPECT_FALSE(decode_request(request + "x"));
  EXPECT_FALSE(decode_answer(answer + "x"));
  EXPECT_FALSE(decode_answer(refusal + "x"));
}

TEST(RelayCodec, SurvivesMutations) {
  const auto seed = std::random_device{}();
  SCOPED_TRACE(seed);
  std::mt19937 random(seed);
  const std::string samples[] = {encode_request(sample_request(), sample_headers, {1, 2}),
                                 encode_answer({200, {{"a", "b"}, {"c", ""}}, "body", {}}),
                                 encode_refusal({failure_kind::internal, "a", "b", "c", {}})};
  for (int round = 0; round < 60'000; ++round) {
    auto bytes = samples[round % 3];
    for (auto changes = 1 + random() % 4; changes > 0; --changes)
      bytes[random() % bytes.size()] = static_cast<char>(random());
    if (random() % 4 == 0)
      bytes.resize(random() % (bytes.size() + 1));
    if (const auto got = decode_request(bytes)) {
      // What is understood is the same again: nothing was made up.
      EXPECT_EQ(encode_request(got->what, got->what.headers, got->facts), bytes);
    }
    if (const auto got = decode_answer(bytes)) {
      const auto* answer = std::get_if<http::response>(&*got);
      EXPECT_EQ(answer ? encode_answer(*answer) : encode_refusal(std::get<failure>(*got)), bytes);
    }
  }
}

} // namespace
} // namespace troupe::gate

#include "node-config/invitations.hpp"

#include "runtime/base/encoding.hpp"

#include <gtest/gtest.h>

namespace troupe {
namespace {

using std::chrono::hours;
using std::chrono::minutes;

const instant noon = *instant_from_text("2026-11-21T12:00:00Z");

std::string code_of(const result<void>& what) {
  return what ? "" : what.error().code;
}

invitations reread(const invitations& table) {
  const auto text = json::write(table.to_json());
  const auto back = invitations::from(*json::parse(text));
  EXPECT_TRUE(back);
  return back ? *back : invitations{};
}

} // namespace

TEST(Invitations, LetExactlyOneIn) {
  invitations table;
  EXPECT_EQ(*table.add("one", noon), noon + hours{1});
  ASSERT_TRUE(table.add("two", noon));
  EXPECT_EQ(table.open(noon), 2u);
  EXPECT_TRUE(table.redeem("one", noon + minutes{59}));
  EXPECT_EQ(table.open(noon), 1u);
  const auto again = table.redeem("one", noon + minutes{59});
  EXPECT_EQ(code_of(again), "invitation_used");
  EXPECT_EQ(again.error().kind, failure_kind::gone);
  EXPECT_TRUE(table.redeem("two", noon));
}

TEST(Invitations, EndAfterAnHour) {
  invitations table;
  ASSERT_TRUE(table.add("one", noon));
  EXPECT_EQ(code_of(table.redeem("one", noon + hours{1})), "invitation_expired");
  EXPECT_EQ(table.open(noon + hours{1}), 0u);
  EXPECT_TRUE(table.redeem("one", noon + hours{1} - milliseconds{1}));
}

TEST(Invitations, StrangersAreRefused) {
  invitations table;
  EXPECT_EQ(code_of(table.redeem("", noon)), "invitation_unknown");
  ASSERT_TRUE(table.add("one", noon));
  for (const auto* wrong : {"", "on", "one ", "One", "two"}) {
    const auto refused = table.redeem(wrong, noon);
    EXPECT_EQ(code_of(refused), "invitation_unknown") << wrong;
    EXPECT_EQ(refused.error().kind, failure_kind::unauthenticated);
  }
  EXPECT_EQ(table.open(noon), 1u);
}

TEST(Invitations, RoundTripWithoutTheirSecrets) {
  const std::string secret = "a very secret text";
  invitations table;
  ASSERT_TRUE(table.add(secret, noon));
  ASSERT_TRUE(table.add("used", noon));
  ASSERT_TRUE(table.redeem("used", noon));
  const auto text = json::write(table.to_json());
  EXPECT_EQ(text.find(secret), std::string::npos);
  EXPECT_EQ(text.find(to_hex(secret)), std::string::npos);
  auto back = reread(table);
  EXPECT_EQ(json::write(back.to_json()), text);
  EXPECT_EQ(code_of(back.redeem("used", noon)), "invitation_used");
  EXPECT_TRUE(back.redeem(secret, noon));
  EXPECT_EQ(code_of(reread(back).redeem(secret, noon)), "invitation_used");
}

TEST(Invitations, AreBoundedAndForgotten) {
  invitations table;
  for (std::size_t i = 0; i < invitations::open_max; ++i)
    ASSERT_TRUE(table.add("secret " + std::to_string(i), noon));
  EXPECT_EQ(table.add("one more", noon).error().code, "invitations_full");
  ASSERT_TRUE(table.add("later", noon + hours{2}));
  EXPECT_EQ(code_of(table.redeem("secret 3", noon + hours{2})), "invitation_expired");
  ASSERT_TRUE(table.add("next day", noon + hours{26}));
  EXPECT_EQ(code_of(table.redeem("secret 3", noon + hours{26})), "invitation_unknown");
  EXPECT_EQ(json::find(table.to_json(), "invitations")->get_array().size(), 2u);
}

TEST(Invitations, AreValidForAWeekAtMost) {
  invitations table;
  EXPECT_TRUE(table.add("a", noon, hours{24 * 7}));
  for (const milliseconds wrong : {milliseconds{hours{24 * 7}} + milliseconds{1}, milliseconds{0},
                                   milliseconds{-1}, milliseconds::max(), milliseconds::min()})
    EXPECT_EQ(table.add("b", noon, wrong).error().code, "invitation_invalid") << wrong.count();
}

TEST(Invitations, DamagedDocumentsAreRefused) {
  const std::string hash(64, 'a');
  const std::string row = R"({"secret_sha256":")" + hash +
                          R"(","created_at":"2026-11-21T12:00:00Z","expires_at":)"
                          R"("2026-11-21T13:00:00Z","used":false})";
  const auto read = [](const std::string& text) {
    return invitations::from(*json::parse(text)).has_value();
  };
  EXPECT_TRUE(read(R"({"format":1,"invitations":[]})"));
  EXPECT_TRUE(read(R"({"format":1,"invitations":[)" + row + "]}"));
  for (const std::string& text :
       {std::string{"null"}, std::string{"[]"}, std::string{R"({"format":2,"invitations":[]})"},
        std::string{R"({"format":1})"}, std::string{R"({"format":1,"invitations":{}})"},
        std::string{R"({"format":1,"invitations":[1]})"},
        R"({"format":1,"invitations":[)" + row.substr(0, row.size() - 14) + "}]}",
        R"({"format":1,"invitations":[{"secret_sha256":"aa)" + row.substr(82) + "]}"})
    EXPECT_FALSE(read(text)) << text;
}

} // namespace troupe

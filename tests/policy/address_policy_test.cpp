#include "runtime/policy/address_policy.hpp"

#include <gtest/gtest.h>

namespace troupe {

TEST(AddressPolicy, ReadsOnlyPlainAddresses) {
  for (const char* text : {"1.2.3.4", "255.255.255.255", "::", "::1", "fe80::1", "1:2:3:4:5:6:7:8",
                           "::ffff:1.2.3.4", "64:ff9b::10.0.0.1", "1::8"})
    EXPECT_TRUE(ip_address_from_text(text)) << text;
  for (const char* text : {"",
                           "1",
                           "1.2.3",
                           "1.2.3.4.5",
                           "01.2.3.4",
                           "0x7f.0.0.1",
                           "256.1.1.1",
                           "1.2.3.4 ",
                           "1.2.3.",
                           ":",
                           ":::",
                           "1::2::3",
                           "1:2:3:4:5:6:7",
                           "12345::",
                           "1:2:3:4:5:6:7:8:9",
                           "fe80::1%eth0",
                           "[::1]",
                           "::1.2.3",
                           "1:",
                           "g::"})
    EXPECT_FALSE(ip_address_from_text(text)) << text;
}

TEST(AddressPolicy, KnowsEveryRangeThatIsNotPublic) {
  const address_policy nothing_allowed({});
  for (const char* text : {"0.0.0.0",
                           "0.1.2.3",
                           "10.0.0.1",
                           "10.255.255.255",
                           "100.64.0.1",
                           "100.127.255.255",
                           "127.0.0.1",
                           "127.255.255.254",
                           "169.254.169.254",
                           "172.16.0.1",
                           "172.31.255.255",
                           "192.0.0.8",
                           "192.0.2.1",
                           "192.88.99.1",
                           "192.168.0.1",
                           "198.18.0.1",
                           "198.19.255.255",
                           "198.51.100.7",
                           "203.0.113.9",
                           "224.0.0.1",
                           "239.255.255.255",
                           "240.0.0.1",
                           "255.255.255.255",
                           "::",
                           "::1",
                           "::127.0.0.1",
                           "::ffff:127.0.0.1",
                           "::ffff:10.0.0.1",
                           "::ffff:169.254.169.254",
                           "::ffff:0:127.0.0.1",
                           "64:ff9b::10.0.0.1",
                           "64:ff9b::169.254.169.254",
                           "64:ff9b:1::1",
                           "100::1",
                           "2001:db8::1",
                           "2002:7f00:1::",
                           "2002:a00:1::1",
                           "2002:a9fe:a9fe::",
                           "2001:0:a00:1::",
                           "2001:0:808:808::f5ff:fffe",
                           "2001:10::1",
                           "3fff::1",
                           "5f00::1",
                           "fc00::1",
                           "fd12:3456::1",
                           "fe80::1",
                           "fec0::1",
                           "ff02::1",
                           "4000::1",
                           "fd00:ec2::254"}) {
    const auto address = ip_address_from_text(text);
    ASSERT_TRUE(address) << text;
    EXPECT_FALSE(non_public_range(*address).empty()) << text;
    EXPECT_FALSE(nothing_allowed.permits("example.com", *address, 80)) << text;
  }
  for (const char* text :
       {"1.1.1.1",        "8.8.8.8",          "9.255.255.255",   "11.0.0.0",
        "100.63.255.255", "100.128.0.0",      "126.255.255.255", "128.0.0.1",
        "172.15.255.255", "172.32.0.0",       "192.167.255.255", "198.17.255.255",
        "198.20.0.0",     "223.255.255.255",  "2606:4700::1111", "2a00:1450::1",
        "::ffff:8.8.8.8", "64:ff9b::8.8.8.8", "2002:808:808::1", "2001:200::1"}) {
    const auto address = ip_address_from_text(text);
    ASSERT_TRUE(address) << text;
    EXPECT_EQ(non_public_range(*address), "") << text;
    EXPECT_TRUE(nothing_allowed.permits("example.com", *address, 80)) << text;
  }
}

TEST(AddressPolicy, AllowsWhatTheOperatorNamed) {
  const address_policy policy({"Models.Internal:8080", "10.0.0.7:443", "[::1]:9000"});
  EXPECT_TRUE(policy.refused_entries().empty());
  const auto ten = *ip_address_from_text("10.0.0.7"), other = *ip_address_from_text("10.0.0.8"),
             loopback = *ip_address_from_text("::1");
  EXPECT_TRUE(policy.permits("models.internal", other, 8080));
  EXPECT_TRUE(policy.permits("MODELS.internal.", other, 8080));
  EXPECT_FALSE(policy.permits("models.internal", other, 8081));
  EXPECT_FALSE(policy.permits("xmodels.internal", other, 8080));
  EXPECT_FALSE(policy.permits("models.internal.evil.com", other, 8080));
  EXPECT_TRUE(policy.permits("anything", ten, 443));
  EXPECT_FALSE(policy.permits("anything", ten, 80));
  EXPECT_FALSE(policy.permits("10.0.0.7", other, 443));
  EXPECT_TRUE(policy.permits("[::1]", loopback, 9000));
}

TEST(AddressPolicy, NamesEntriesThatItCannotRead) {
  const std::vector<std::string> wrong{
      "",      "a",      ":80",         "a:",     "a:0",          "a:70000",
      "a:80x", "::1:80", "http://a:80", "u@a:80", "[1.2.3.4]:80", "a:-1"};
  EXPECT_EQ(address_policy(wrong).refused_entries(), wrong);
}

} // namespace troupe

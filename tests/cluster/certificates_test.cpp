#include "net/cluster/certificates.hpp"
#include "runtime/base/prng.hpp"

#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <gtest/gtest.h>

#include <cstdlib>
#include <memory>
#include <random>
#include <set>

namespace troupe::cluster {
namespace {

using days = std::chrono::days;

constexpr std::string_view cluster_id = "018f3c1e-0000-7000-8000-000000000001";
constexpr std::string_view other_id = "018f3c1e-0000-7000-8000-000000000002";
constexpr days years{3'650};

authority some_authority(std::string_view of = cluster_id, days valid = years) {
  auto made = make_authority(of, valid);
  EXPECT_TRUE(made);
  return made ? *made : authority{};
}

struct certified {
  std::string certificate, key;
};

certified some_node(const authority& by, std::uint64_t node = 2, days valid = years) {
  const auto asked = make_request(cluster_id, node);
  EXPECT_TRUE(asked);
  const auto made = sign(by, asked->request, cluster_id, node, valid);
  EXPECT_TRUE(made) << made.error().message;
  return made ? certified{*made, asked->key} : certified{};
}

std::string code_of(const result<void>& what) {
  return what ? "" : what.error().code;
}
template <class T> std::string code_of(const result<T>& what) {
  return what ? "" : what.error().code;
}

using x509_ptr = std::unique_ptr<X509, decltype(&X509_free)>;
x509_ptr read(const std::string& pem) {
  BIO* from = BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()));
  x509_ptr made{PEM_read_bio_X509(from, nullptr, nullptr, nullptr), X509_free};
  BIO_free(from);
  return made;
}

std::string serial_of(const std::string& pem) {
  const auto made = read(pem);
  BIGNUM* number = ASN1_INTEGER_to_BN(X509_get0_serialNumber(made.get()), nullptr);
  char* text = BN_bn2hex(number);
  std::string out{text};
  OPENSSL_free(text);
  BN_free(number);
  return out;
}

std::uint64_t test_seed() {
  const char* given = std::getenv("TROUPE_SEED");
  return given ? std::strtoull(given, nullptr, 10) : std::random_device{}();
}

} // namespace

TEST(Certificates, ANodeSignedByTheAuthorityIsGood) {
  const auto by = some_authority();
  const auto node = some_node(by);
  const auto good = check_certificate(by.certificate, node.certificate, node.key);
  EXPECT_TRUE(good) << good.error().message;
  const auto facts = facts_of(node.certificate);
  ASSERT_TRUE(facts);
  EXPECT_EQ(facts->cluster_id, cluster_id);
  EXPECT_EQ(facts->node, 2u);
  const auto own = facts_of(by.certificate);
  ASSERT_TRUE(own);
  EXPECT_EQ(own->node, 0u);
  EXPECT_EQ(own->cluster_id, cluster_id);
  EXPECT_EQ(ERR_peek_error(), 0u);
}

TEST(Certificates, HaveTheExtensionsOfTheirKind) {
  const auto by = some_authority();
  const auto root = read(by.certificate);
  const auto leaf = read(some_node(by, 7).certificate);
  ASSERT_TRUE(root && leaf);
  EXPECT_NE(X509_get_extension_flags(root.get()) & EXFLAG_CA, 0u);
  EXPECT_EQ(X509_get_pathlen(root.get()), 0);
  EXPECT_EQ(X509_get_key_usage(root.get()), std::uint32_t{KU_KEY_CERT_SIGN});
  EXPECT_EQ(X509_get_extension_flags(leaf.get()) & EXFLAG_CA, 0u);
  EXPECT_EQ(X509_get_key_usage(leaf.get()), std::uint32_t{KU_DIGITAL_SIGNATURE});
  EXPECT_EQ(X509_get_extended_key_usage(leaf.get()),
            std::uint32_t{XKU_SSL_CLIENT | XKU_SSL_SERVER});
  const auto name = "node-7." + std::string{cluster_id};
  EXPECT_EQ(X509_check_host(leaf.get(), name.data(), name.size(),
                            X509_CHECK_FLAG_NEVER_CHECK_SUBJECT, nullptr),
            1);
  EXPECT_EQ(X509_check_host(leaf.get(), "node-8", 6, 0, nullptr), 0);
  EXPECT_EQ(X509_get_signature_nid(leaf.get()), NID_ecdsa_with_SHA256);
}

TEST(Certificates, BeganAnHourAgoAndEndWithTheirAuthority) {
  const auto by = some_authority(cluster_id, days{30});
  const auto leaf = read(some_node(by, 2, days{3'650}).certificate);
  const auto root = read(by.certificate);
  ASSERT_TRUE(root && leaf);
  EXPECT_EQ(ASN1_TIME_compare(X509_get0_notAfter(leaf.get()), X509_get0_notAfter(root.get())), 0);
  std::time_t half_an_hour_ago = std::time(nullptr) - 1'800;
  std::time_t two_hours_ago = std::time(nullptr) - 7'200;
  EXPECT_LT(X509_cmp_time(X509_get0_notBefore(leaf.get()), &half_an_hour_ago), 0);
  EXPECT_GT(X509_cmp_time(X509_get0_notBefore(leaf.get()), &two_hours_ago), 0);
  const auto ends = facts_of(by.certificate)->not_after;
  const auto wanted = std::chrono::system_clock::now() + days{30};
  EXPECT_LT(std::chrono::abs(ends - wanted), std::chrono::minutes{1});
}

TEST(Certificates, AHundredYearsAreFineAndMoreRefused) {
  const auto by = some_authority(cluster_id, days{36'525});
  const auto node = some_node(by, 1, days{36'525});
  EXPECT_TRUE(check_certificate(by.certificate, node.certificate, node.key));
  EXPECT_GT(facts_of(node.certificate)->not_after, std::chrono::system_clock::now() + days{36'500});
  EXPECT_EQ(code_of(make_authority(cluster_id, days{36'526})), "validity_invalid");
  EXPECT_EQ(code_of(make_authority(cluster_id, days::max())), "validity_invalid");
}

TEST(Certificates, SerialNumbersAreLongAndNeverTheSame) {
  const auto by = some_authority();
  const auto request = make_request(cluster_id, 2);
  std::set<std::string> seen{serial_of(by.certificate)};
  std::size_t longest = 0;
  for (int i = 0; i < 20; ++i) {
    const auto serial = serial_of(*sign(by, request->request, cluster_id, 2, years));
    longest = std::max(longest, serial.size());
    EXPECT_TRUE(seen.insert(serial).second);
  }
  EXPECT_EQ(longest, 32u);
}

TEST(Certificates, WhatIsWrongIsRefusedInWords) {
  const auto by = some_authority();
  const auto stranger = some_authority();
  const auto node = some_node(by), other = some_node(by, 3), old = some_node(by, 2, days{-1});
  const auto old_authority = some_authority(cluster_id, days{-1});
  const auto of_old = some_node(old_authority);
  struct {
    const char* what;
    std::string authority, certificate, key, words;
  } const rows[] = {
      {"another authority", stranger.certificate, node.certificate, node.key, "not signed by"},
      {"expired", by.certificate, old.certificate, old.key, "expired"},
      {"expired, and when", by.certificate, old.certificate, old.key,
       "the clock of this machine says"},
      {"expired authority", old_authority.certificate, of_old.certificate, of_old.key, "expired"},
      {"another key", by.certificate, node.certificate, other.key, "another key"},
      {"the authority itself", by.certificate, by.certificate, by.key, "purpose"},
      {"a node as authority", other.certificate, node.certificate, node.key, "not signed by"},
      {"no certificate", by.certificate, "", node.key, "damaged"},
      {"no authority", "x", node.certificate, node.key, "damaged"},
      {"no key", by.certificate, node.certificate, node.certificate, "key is damaged"},
  };
  for (const auto& row : rows) {
    const auto checked = check_certificate(row.authority, row.certificate, row.key);
    ASSERT_FALSE(checked) << row.what;
    EXPECT_EQ(checked.error().code, "certificate_invalid") << row.what;
    EXPECT_NE(checked.error().message.find(row.words), std::string::npos)
        << row.what << ": " << checked.error().message;
    EXPECT_EQ(ERR_peek_error(), 0u) << row.what;
  }
}

TEST(Certificates, ANodeCannotSignForOthers) {
  const auto by = some_authority();
  const auto node = some_node(by);
  const auto request = make_request(cluster_id, 9);
  const auto made = sign({node.certificate, node.key}, request->request, cluster_id, 9, years);
  ASSERT_TRUE(made);
  EXPECT_FALSE(check_certificate(by.certificate, *made, request->key));
  EXPECT_FALSE(check_certificate(node.certificate, *made, request->key));
}

TEST(Requests, AreRefusedForAnotherClusterOrNode) {
  const auto by = some_authority();
  const auto code = [&](const std::string& request, std::uint64_t node = 2) {
    return code_of(sign(by, request, cluster_id, node, years));
  };
  EXPECT_EQ(code(make_request(other_id, 2)->request), "request_invalid");
  EXPECT_EQ(code(make_request(other_id, 0)->request), "request_invalid");
  EXPECT_EQ(code(make_request(cluster_id, 3)->request), "request_invalid");
  EXPECT_EQ(code(make_request("", 3)->request), "request_invalid");
  EXPECT_EQ(code(""), "request_invalid");
  EXPECT_EQ(code(by.certificate), "request_invalid");
  EXPECT_EQ(code(std::string(std::size_t{1} << 20, 'x')), "request_invalid");
  EXPECT_EQ(code(make_request(cluster_id, 2)->request), "");
}

TEST(Requests, WhatTheyLeaveOpenIsFilledIn) {
  const auto by = some_authority();
  for (const auto& id : {std::string{}, std::string{cluster_id}}) {
    const auto asked = make_request(id, 0);
    ASSERT_TRUE(asked);
    const auto made = sign(by, asked->request, cluster_id, 5, years);
    ASSERT_TRUE(made) << made.error().message;
    EXPECT_TRUE(check_certificate(by.certificate, *made, asked->key));
    EXPECT_EQ(facts_of(*made)->cluster_id, cluster_id);
    EXPECT_EQ(facts_of(*made)->node, 5u);
  }
}

TEST(Requests, WithAnotherKindOfKeyAreRefused) {
  const auto by = some_authority();
  for (EVP_PKEY* key :
       {EVP_EC_gen("P-384"), EVP_RSA_gen(2'048), EVP_PKEY_Q_keygen(nullptr, nullptr, "ED25519")}) {
    ASSERT_NE(key, nullptr);
    X509_REQ* made = X509_REQ_new();
    X509_REQ_set_pubkey(made, key);
    ASSERT_GT(X509_REQ_sign(made, key, EVP_PKEY_is_a(key, "ED25519") ? nullptr : EVP_sha256()), 0);
    BIO* to = BIO_new(BIO_s_mem());
    PEM_write_bio_X509_REQ(to, made);
    char* bytes = nullptr;
    const auto size = BIO_get_mem_data(to, &bytes);
    const std::string request(bytes, static_cast<std::size_t>(size));
    EXPECT_EQ(code_of(sign(by, request, cluster_id, 2, years)), "request_invalid");
    BIO_free(to);
    X509_REQ_free(made);
    EVP_PKEY_free(key);
  }
}

TEST(Requests, AnAuthorityWithoutItsKeySignsNothing) {
  const auto by = some_authority(), other = some_authority();
  const auto request = make_request(cluster_id, 2);
  for (const auto& bad : {authority{by.certificate, other.key}, authority{by.certificate, ""},
                          authority{"", by.key}, authority{by.key, by.certificate}})
    EXPECT_EQ(code_of(sign(bad, request->request, cluster_id, 2, years)), "authority_invalid");
}

TEST(Certificates, StrangeClusterIdsAreRefused) {
  for (const std::string& id :
       {std::string{"a,DNS:b"}, std::string{"a b"}, std::string{"ü"}, std::string(64, 'a'),
        std::string{"a\0b", 3}, std::string{"*"}, std::string{"a/b"}}) {
    EXPECT_EQ(code_of(make_authority(id, years)), "cluster_id_invalid") << id;
    EXPECT_EQ(code_of(make_request(id, 1)), "cluster_id_invalid") << id;
  }
  EXPECT_EQ(code_of(make_authority("", years)), "cluster_id_invalid");
  const std::string longest(63, 'a');
  const auto by = some_authority(longest);
  EXPECT_TRUE(sign(by, make_request(longest, UINT64_MAX)->request, longest, UINT64_MAX, years));
}

TEST(Certificates, DamagedTextsAreRefusedAndNeverCrash) {
  const auto seed = test_seed();
  SCOPED_TRACE("TROUPE_SEED=" + std::to_string(seed));
  prng random{seed};
  const auto by = some_authority();
  const auto node = some_node(by);
  const auto request = make_request(cluster_id, 2)->request;
  const auto damaged = [&](std::string text) {
    for (auto changes = 1 + random.below(4); changes > 0; --changes) {
      const auto at = random.below(text.size());
      switch (random.below(4)) {
      case 0: text[at] = static_cast<char>(random.next()); break;
      case 1: text.erase(at, 1 + random.below(40)); break;
      case 2: text.insert(at, text.substr(random.below(text.size()), random.below(40))); break;
      default: text.resize(at); break;
      }
      if (text.empty())
        text = "-";
    }
    return text;
  };
  int refused = 0;
  for (int i = 0; i < 1'500; ++i) {
    const auto certificate = damaged(node.certificate), key = damaged(node.key);
    // Whether it holds may go either way (a changed letter outside the armour); what holds must be
    // the same certificate.
    const auto print = fingerprint(certificate);
    const auto good = check_certificate(by.certificate, certificate, node.key);
    refused += good ? 0 : 1;
    if (good) {
      EXPECT_EQ(*print, *fingerprint(node.certificate));
    }
    static_cast<void>(facts_of(certificate));
    static_cast<void>(check_certificate(by.certificate, node.certificate, key));
    static_cast<void>(check_certificate(damaged(by.certificate), node.certificate, node.key));
    static_cast<void>(sign(by, damaged(request), cluster_id, 2, years));
    EXPECT_EQ(ERR_peek_error(), 0u);
  }
  EXPECT_GT(refused, 1'000);
}

TEST(Certificates, AnEncryptedKeyIsRefusedWithoutAQuestion) {
  const auto by = some_authority();
  const auto node = some_node(by);
  EVP_PKEY* key = EVP_EC_gen("P-256");
  BIO* to = BIO_new(BIO_s_mem());
  PEM_write_bio_PrivateKey(to, key, EVP_aes_128_cbc(), reinterpret_cast<const unsigned char*>("x"),
                           1, nullptr, nullptr);
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(to, &bytes);
  const std::string locked(bytes, static_cast<std::size_t>(size));
  BIO_free(to);
  EVP_PKEY_free(key);
  EXPECT_NE(locked.find("ENCRYPTED"), std::string::npos);
  EXPECT_EQ(code_of(check_certificate(by.certificate, node.certificate, locked)),
            "certificate_invalid");
}

TEST(JoinTokens, TextsRoundTrip) {
  const auto print = fingerprint(some_authority().certificate);
  const auto secret = new_secret();
  ASSERT_TRUE(print && secret);
  EXPECT_EQ(print->size(), 64u);
  EXPECT_EQ(secret->size(), 64u);
  EXPECT_NE(*secret, *new_secret());
  const auto text = to_text({*print, *secret});
  EXPECT_EQ(text.substr(0, 8), "troupe1.");
  const auto back = join_token_from(text);
  ASSERT_TRUE(back);
  EXPECT_EQ(back->authority_fingerprint, *print);
  EXPECT_EQ(back->secret, *secret);
}

TEST(JoinTokens, GarbageIsRefusedAndNotRepeated) {
  const auto text = to_text({std::string(64, 'a'), std::string(64, 'b')});
  for (const std::string& bad :
       {std::string{}, std::string{"troupe1."}, text.substr(1), text.substr(0, text.size() - 1),
        text + "AA", "troupe2." + text.substr(8), text + "\n", " " + text,
        text.substr(0, 40) + "!" + text.substr(41), std::string(100'000, 'A')}) {
    const auto read = join_token_from(bad);
    ASSERT_FALSE(read) << bad.substr(0, 200);
    EXPECT_EQ(read.error().code, "token_invalid");
    EXPECT_EQ((read.error().message + read.error().hint).find(text.substr(8, 30)),
              std::string::npos);
  }
}

} // namespace troupe::cluster

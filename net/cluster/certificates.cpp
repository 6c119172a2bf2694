#include "net/cluster/certificates.hpp"

#include "net/cluster/pem.hpp"
#include "runtime/base/encoding.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <ctime>
#include <memory>
#include <vector>

namespace troupe::cluster {

namespace {

using namespace std::chrono_literals;

using number_ptr = std::unique_ptr<BIGNUM, freed_by<BN_free>>;
using extension_ptr = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;
using trust_ptr = std::unique_ptr<X509_STORE, freed_by<X509_STORE_free>>;
using verification_ptr = std::unique_ptr<X509_STORE_CTX, freed_by<X509_STORE_CTX_free>>;

/// OpenSSL keeps a thread's errors until somebody takes them: TLS of the same thread would take
/// ours for its own.
struct forget_errors {
  ~forget_errors() { ERR_clear_error(); }
};

constexpr int serial_bits = 128;
constexpr std::chrono::days validity_max{36'525};
constexpr auto clocks_differ = 1h;
constexpr std::string_view node_prefix = "node-";

failure crypto_failed(const char* doing) {
  return {failure_kind::internal,
          "crypto_failed",
          std::string{"OpenSSL failed at "} + doing + ".",
          {},
          {}};
}

failure bad_certificate(const std::string& why) {
  return invalid("certificate_invalid", why);
}

failure bad_request(const std::string& why) {
  return invalid("request_invalid", why,
                 "Make a new request: run `troupe cluster join` once more.");
}

/// `write` puts an object into the BIO it is given.
template <class F> result<std::string> pem_of(F write) {
  const bio_ptr to{BIO_new(BIO_s_mem())};
  if (!to || write(to.get()) != 1)
    return crypto_failed("writing PEM");
  char* bytes = nullptr;
  const auto size = BIO_get_mem_data(to.get(), &bytes);
  return std::string{bytes, static_cast<std::size_t>(size)};
}

result<std::string> pem_of_key(EVP_PKEY* key) {
  return pem_of([&](BIO* to) {
    return PEM_write_bio_PrivateKey(to, key, nullptr, nullptr, 0, nullptr, nullptr);
  });
}

result<std::string> pem_of_certificate(X509* certificate) {
  return pem_of([&](BIO* to) { return PEM_write_bio_X509(to, certificate); });
}

bool is_p256(EVP_PKEY* key) {
  std::array<char, 64> group{};
  return key && EVP_PKEY_is_a(key, "EC") == 1 &&
         EVP_PKEY_get_group_name(key, group.data(), group.size(), nullptr) == 1 &&
         std::string_view{group.data()} == "prime256v1";
}

/// It becomes part of a DNS name and of OpenSSL's extension texts.
result<void> check_cluster_id(std::string_view id) {
  const bool plain = std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '.';
  });
  if (plain && !id.empty() && id.size() <= 63)
    return {};
  return invalid("cluster_id_invalid",
                 "A cluster id is 1 to 63 letters, digits, dots and dashes long.");
}

result<void> check_validity(std::chrono::days valid) {
  if (valid <= validity_max && valid >= -validity_max)
    return {};
  return invalid("validity_invalid", "A certificate is valid for at most 100 years.");
}

std::string node_name(std::uint64_t node) {
  return std::string{node_prefix} + std::to_string(node);
}

bool add_to_name(X509_NAME* name, int nid, std::string_view text) {
  return X509_NAME_add_entry_by_NID(name, nid, MBSTRING_UTF8,
                                    reinterpret_cast<const unsigned char*>(text.data()),
                                    static_cast<int>(text.size()), -1, 0) == 1;
}

/// The one entry of this kind; empty: there is none; nothing: two, or not to be read.
std::optional<std::string> name_part(const X509_NAME* name, int nid) {
  const int at = X509_NAME_get_index_by_NID(name, nid, -1);
  if (at < 0)
    return std::string{};
  if (X509_NAME_get_index_by_NID(name, nid, at) >= 0)
    return std::nullopt;
  unsigned char* utf8 = nullptr;
  const int size =
      ASN1_STRING_to_UTF8(&utf8, X509_NAME_ENTRY_get_data(X509_NAME_get_entry(name, at)));
  if (size < 0)
    return std::nullopt;
  std::string text{reinterpret_cast<const char*>(utf8), static_cast<std::size_t>(size)};
  OPENSSL_free(utf8);
  return text;
}

bool add_extension(X509* to, X509* issuer, int nid, const std::string& text) {
  X509V3_CTX context;
  X509V3_set_ctx_nodb(&context);
  X509V3_set_ctx(&context, issuer, to, nullptr, nullptr, 0);
  const extension_ptr made{X509V3_EXT_conf_nid(nullptr, &context, nid, text.c_str())};
  return made && X509_add_ext(to, made.get(), -1) == 1;
}

bool set_serial(X509* certificate) {
  const number_ptr serial{BN_new()};
  return serial && BN_rand(serial.get(), serial_bits, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
         BN_to_ASN1_INTEGER(serial.get(), X509_get_serialNumber(certificate)) != nullptr;
}

bool set_times(X509* certificate, std::chrono::days valid) {
  constexpr auto before = std::chrono::seconds{clocks_differ}.count();
  return X509_gmtime_adj(X509_getm_notBefore(certificate), -static_cast<long>(before)) &&
         X509_time_adj_ex(X509_getm_notAfter(certificate), static_cast<int>(valid.count()), 0,
                          nullptr);
}

/// Everything that both kinds of certificate have, without extensions and signature.
certificate_ptr bare_certificate(EVP_PKEY* key, std::chrono::days valid, std::string_view cluster,
                                 std::string_view name) {
  certificate_ptr made{X509_new()};
  if (!made || X509_set_version(made.get(), X509_VERSION_3) != 1 || !set_serial(made.get()) ||
      !set_times(made.get(), valid) || X509_set_pubkey(made.get(), key) != 1)
    return {};
  auto* subject = X509_get_subject_name(made.get());
  if (!add_to_name(subject, NID_organizationName, cluster) ||
      !add_to_name(subject, NID_commonName, name))
    return {};
  return made;
}

result<void> check_names(const X509_NAME* asked, std::string_view cluster_id, std::uint64_t node) {
  const auto organization = name_part(asked, NID_organizationName);
  const auto name = name_part(asked, NID_commonName);
  if (!organization || !name)
    return bad_request("The request's name cannot be read.");
  if (!organization->empty() && *organization != cluster_id)
    return bad_request("The request is for another cluster.");
  if (!name->empty() && *name != node_name(node))
    return bad_request("The request is for another node than " + std::to_string(node) + ".");
  return {};
}

instant instant_of(const ASN1_TIME* time) {
  std::tm parts{};
  if (ASN1_TIME_to_tm(time, &parts) != 1)
    return {};
  return instant{std::chrono::seconds{::timegm(&parts)}};
}

instant this_clock() {
  return std::chrono::floor<milliseconds>(std::chrono::system_clock::now());
}

/// The chain, the times, and that it is for both ends of a connection.
result<void> verify_chain(const std::vector<certificate_ptr>& trusted, X509* certificate,
                          int purpose) {
  const trust_ptr trust{X509_STORE_new()};
  const verification_ptr asked{X509_STORE_CTX_new()};
  for (const auto& one : trusted)
    if (!trust || X509_STORE_add_cert(trust.get(), one.get()) != 1)
      return crypto_failed("preparing the check of a certificate");
  if (!trust || !asked ||
      X509_STORE_CTX_init(asked.get(), trust.get(), certificate, nullptr) != 1 ||
      X509_STORE_CTX_set_purpose(asked.get(), purpose) != 1)
    return crypto_failed("preparing the check of a certificate");
  if (X509_verify_cert(asked.get()) == 1)
    return {};
  const int why = X509_STORE_CTX_get_error(asked.get());
  const bool signed_by_another = why == X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY ||
                                 why == X509_V_ERR_CERT_SIGNATURE_FAILURE ||
                                 why == X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT ||
                                 why == X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE;
  if (signed_by_another)
    return bad_certificate("The certificate was not signed by this cluster's authority.");
  return bad_certificate(std::string{"The certificate does not hold: "} +
                         X509_verify_cert_error_string(why) + ". It holds from " +
                         troupe::to_text(instant_of(X509_get0_notBefore(certificate))) + " to " +
                         troupe::to_text(instant_of(X509_get0_notAfter(certificate))) +
                         "; the clock of this machine says " + troupe::to_text(this_clock()) + ".");
}

} // namespace

result<authority> make_authority(std::string_view cluster_id, std::chrono::days valid) {
  const forget_errors afterwards;
  if (auto fits = check_cluster_id(cluster_id); !fits)
    return fits.error();
  if (auto fits = check_validity(valid); !fits)
    return fits.error();
  const key_ptr key{EVP_EC_gen("P-256")};
  if (!key)
    return crypto_failed("making a key");
  const auto made = bare_certificate(key.get(), valid, cluster_id, "Troupe cluster authority");
  auto* raw = made.get();
  if (!made || X509_set_issuer_name(raw, X509_get_subject_name(raw)) != 1 ||
      !add_extension(raw, raw, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") ||
      !add_extension(raw, raw, NID_key_usage, "critical,keyCertSign") ||
      !add_extension(raw, raw, NID_subject_key_identifier, "hash") ||
      X509_sign(raw, key.get(), EVP_sha256()) == 0)
    return crypto_failed("making an authority");
  auto certificate = pem_of_certificate(raw);
  if (!certificate)
    return certificate.error();
  auto secret = pem_of_key(key.get());
  if (!secret)
    return secret.error();
  return authority{std::move(*certificate), std::move(*secret)};
}

result<signing_request> make_request(std::string_view cluster_id, std::uint64_t node) {
  const forget_errors afterwards;
  if (!cluster_id.empty())
    if (auto fits = check_cluster_id(cluster_id); !fits)
      return fits.error();
  const key_ptr key{EVP_EC_gen("P-256")};
  const request_ptr made{X509_REQ_new()};
  if (!key || !made || X509_REQ_set_version(made.get(), X509_REQ_VERSION_1) != 1 ||
      X509_REQ_set_pubkey(made.get(), key.get()) != 1)
    return crypto_failed("making a key");
  auto* subject = X509_REQ_get_subject_name(made.get());
  if ((!cluster_id.empty() && !add_to_name(subject, NID_organizationName, cluster_id)) ||
      (node > 0 && !add_to_name(subject, NID_commonName, node_name(node))) ||
      X509_REQ_sign(made.get(), key.get(), EVP_sha256()) == 0)
    return crypto_failed("making a request");
  auto request = pem_of([&](BIO* to) { return PEM_write_bio_X509_REQ(to, made.get()); });
  if (!request)
    return request.error();
  auto secret = pem_of_key(key.get());
  if (!secret)
    return secret.error();
  return signing_request{std::move(*request), std::move(*secret)};
}

result<std::string> sign(const authority& by, std::string_view request, std::string_view cluster_id,
                         std::uint64_t node, std::chrono::days valid) {
  const forget_errors afterwards;
  check(node > 0, "nodes are numbered from 1");
  if (auto fits = check_cluster_id(cluster_id); !fits)
    return fits.error();
  if (auto fits = check_validity(valid); !fits)
    return fits.error();
  const auto issuer = certificate_from(by.certificate);
  const auto issuer_key = key_from(by.key);
  if (!issuer || !issuer_key || X509_check_private_key(issuer.get(), issuer_key.get()) != 1)
    return invalid("authority_invalid",
                   "The authority's certificate or key is damaged, or they do not fit.");
  const auto asked = request_from(request);
  if (!asked)
    return bad_request("The request is damaged.");
  auto* key = X509_REQ_get0_pubkey(asked.get());
  if (!is_p256(key))
    return bad_request("The request's key is not of P-256.");
  if (X509_REQ_verify(asked.get(), key) != 1)
    return bad_request("The request's own signature is wrong.");
  if (auto fits = check_names(X509_REQ_get_subject_name(asked.get()), cluster_id, node); !fits)
    return fits.error();
  const auto made = bare_certificate(key, valid, cluster_id, node_name(node));
  auto* raw = made.get();
  const auto dns = "DNS:" + node_name(node) + "." + std::string{cluster_id};
  if (!made || X509_set_issuer_name(raw, X509_get_subject_name(issuer.get())) != 1 ||
      !add_extension(raw, issuer.get(), NID_basic_constraints, "critical,CA:FALSE") ||
      !add_extension(raw, issuer.get(), NID_key_usage, "critical,digitalSignature") ||
      !add_extension(raw, issuer.get(), NID_ext_key_usage, "clientAuth,serverAuth") ||
      !add_extension(raw, issuer.get(), NID_subject_alt_name, dns) ||
      !add_extension(raw, issuer.get(), NID_subject_key_identifier, "hash") ||
      !add_extension(raw, issuer.get(), NID_authority_key_identifier, "keyid"))
    return crypto_failed("making a certificate");
  const auto* end = X509_get0_notAfter(issuer.get());
  if (ASN1_TIME_compare(X509_get0_notAfter(raw), end) > 0 && X509_set1_notAfter(raw, end) != 1)
    return crypto_failed("making a certificate");
  if (X509_sign(raw, issuer_key.get(), EVP_sha256()) == 0)
    return crypto_failed("signing a certificate");
  return pem_of_certificate(raw);
}

result<certificate_facts> facts_of(std::string_view certificate) {
  const forget_errors afterwards;
  const auto read = certificate_from(certificate);
  if (!read)
    return bad_certificate("The certificate is damaged.");
  const auto* subject = X509_get_subject_name(read.get());
  const auto cluster_id = name_part(subject, NID_organizationName);
  const auto name = name_part(subject, NID_commonName);
  if (!cluster_id || !name)
    return bad_certificate("The certificate's name cannot be read.");
  certificate_facts facts{*cluster_id, 0, instant_of(X509_get0_notAfter(read.get()))};
  if (name->starts_with(node_prefix)) {
    const auto* end = name->data() + name->size();
    const auto number = std::from_chars(name->data() + node_prefix.size(), end, facts.node);
    if (number.ec != std::errc{} || number.ptr != end || facts.node == 0)
      return bad_certificate("The certificate's name is no node's.");
  }
  return facts;
}

result<std::string> fingerprint(std::string_view certificate) {
  const forget_errors afterwards;
  const auto read = certificate_from(certificate);
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  if (!read || X509_digest(read.get(), EVP_sha256(), digest.data(), &size) != 1)
    return bad_certificate("The certificate is damaged.");
  return to_hex(std::string_view{reinterpret_cast<const char*>(digest.data()), size});
}

bool is_pair(const authority& of) {
  const forget_errors forget;
  const auto certificate = certificate_from(of.certificate);
  const auto key = key_from(of.key);
  return certificate && key && X509_check_private_key(certificate.get(), key.get()) == 1;
}

result<void> check_certificate(std::string_view authority_certificate, std::string_view certificate,
                               std::string_view key) {
  const forget_errors afterwards;
  const auto trusted = certificates_from(authority_certificate);
  if (trusted.empty())
    return bad_certificate("The authority's certificate is damaged.");
  const auto own = certificate_from(certificate);
  if (!own)
    return bad_certificate("The certificate is damaged.");
  for (const int purpose : {X509_PURPOSE_SSL_CLIENT, X509_PURPOSE_SSL_SERVER})
    if (auto holds = verify_chain(trusted, own.get(), purpose); !holds)
      return holds;
  const auto secret = key_from(key);
  if (!secret)
    return bad_certificate("The key is damaged.");
  if (X509_check_private_key(own.get(), secret.get()) != 1)
    return bad_certificate("The certificate is for another key.");
  return {};
}

} // namespace troupe::cluster

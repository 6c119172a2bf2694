// A fresh self-signed certificate for "localhost", as two PEM files.
#pragma once

#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <string>

namespace troupe::test {

/// Makes the files and removes them.
class self_signed {
public:
  self_signed() {
    EVP_PKEY* key = EVP_EC_gen("P-256");
    X509* made = X509_new();
    X509_set_version(made, 2);
    ASN1_INTEGER_set(X509_get_serialNumber(made), 1);
    X509_gmtime_adj(X509_getm_notBefore(made), -60);
    X509_gmtime_adj(X509_getm_notAfter(made), 3600);
    X509_set_pubkey(made, key);
    auto* name = X509_get_subject_name(made);
    const unsigned char text[] = "localhost";
    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, text, -1, -1, 0);
    X509_set_issuer_name(made, name);
    X509_sign(made, key, EVP_sha256());
    if (FILE* file = std::fopen(certificate.c_str(), "w")) {
      PEM_write_X509(file, made);
      std::fclose(file);
    }
    if (FILE* file = std::fopen(private_key.c_str(), "w")) {
      PEM_write_PrivateKey(file, key, nullptr, nullptr, 0, nullptr, nullptr);
      std::fclose(file);
    }
    X509_free(made);
    EVP_PKEY_free(key);
  }
  self_signed(const self_signed&) = delete;
  self_signed& operator=(const self_signed&) = delete;
  ~self_signed() {
    std::remove(certificate.c_str());
    std::remove(private_key.c_str());
  }

  const std::string base =
      std::filesystem::temp_directory_path() / ("troupe-test-" + std::to_string(::getpid()));
  const std::string certificate = base + ".crt", private_key = base + ".key";
};

} // namespace troupe::test

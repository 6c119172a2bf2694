// OpenSSL's objects, read from PEM. Private to this folder.
#pragma once

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/x509.h>

#include <memory>
#include <string_view>
#include <vector>

namespace troupe::cluster {

template <auto free_one> struct freed_by {
  template <class T> void operator()(T* object) const noexcept { free_one(object); }
};
using bio_ptr = std::unique_ptr<BIO, freed_by<BIO_free_all>>;
using key_ptr = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_ptr = std::unique_ptr<X509, freed_by<X509_free>>;
using request_ptr = std::unique_ptr<X509_REQ, freed_by<X509_REQ_free>>;

/// The first of a text of at most 64 KiB; nullptr: there is none. Errors stay with the thread.
certificate_ptr certificate_from(std::string_view pem);
request_ptr request_from(std::string_view pem);
/// One that a password protects is not read.
key_ptr key_from(std::string_view pem);
/// All of a text: an authority that took over from another is followed by it.
std::vector<certificate_ptr> certificates_from(std::string_view pem);

} // namespace troupe::cluster

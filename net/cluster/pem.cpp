#include "net/cluster/pem.hpp"

#include <openssl/pem.h>

namespace troupe::cluster {

namespace {

constexpr std::size_t pem_bytes_max = std::size_t{64} << 10;

/// Otherwise OpenSSL would ask the terminal for the password of an encrypted text.
int no_password(char*, int, int, void*) {
  return -1;
}

template <class P, class F> P read_pem(std::string_view pem, F read) {
  if (pem.size() > pem_bytes_max)
    return {};
  const bio_ptr from{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  return P{from ? read(from.get(), nullptr, no_password, nullptr) : nullptr};
}

} // namespace

certificate_ptr certificate_from(std::string_view pem) {
  return read_pem<certificate_ptr>(pem, PEM_read_bio_X509);
}

request_ptr request_from(std::string_view pem) {
  return read_pem<request_ptr>(pem, PEM_read_bio_X509_REQ);
}

key_ptr key_from(std::string_view pem) {
  return read_pem<key_ptr>(pem, PEM_read_bio_PrivateKey);
}

std::vector<certificate_ptr> certificates_from(std::string_view pem) {
  std::vector<certificate_ptr> out;
  if (pem.size() > pem_bytes_max)
    return out;
  const bio_ptr from{BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size()))};
  while (certificate_ptr one{from ? PEM_read_bio_X509(from.get(), nullptr, no_password, nullptr)
                                  : nullptr})
    out.push_back(std::move(one));
  return out;
}

} // namespace troupe::cluster

#include "persistence/store/digest.hpp"

#include "runtime/base/encoding.hpp"
#include "runtime/base/invariant.hpp"

#include <openssl/evp.h>

namespace troupe {

namespace {

EVP_MD_CTX* context_of(void* p) {
  return static_cast<EVP_MD_CTX*>(p);
}

// Fetched once: the implicit fetch of EVP_sha256() costs more than hashing an event.
const EVP_MD* algorithm() {
  static const EVP_MD* const fetched = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  return fetched;
}

sha256_stream& stream_of_this_thread() {
  thread_local sha256_stream stream;
  return stream;
}

} // namespace

sha256_stream::sha256_stream() : context_(EVP_MD_CTX_new()) {
  check(context_ != nullptr && EVP_DigestInit_ex2(context_of(context_), algorithm(), nullptr) == 1,
        "SHA-256 is not available");
}

sha256_stream::~sha256_stream() {
  EVP_MD_CTX_free(context_of(context_));
}

void sha256_stream::add(std::string_view bytes) {
  check(EVP_DigestUpdate(context_of(context_), bytes.data(), bytes.size()) == 1, "SHA-256 failed");
}

audit_hash sha256_stream::finish() {
  audit_hash hash{};
  unsigned size = 0;
  check(EVP_DigestFinal_ex(context_of(context_), hash.data(), &size) == 1 && size == hash.size() &&
            EVP_DigestInit_ex2(context_of(context_), nullptr, nullptr) == 1,
        "SHA-256 failed");
  return hash;
}

audit_hash sha256(std::string_view bytes) {
  auto& stream = stream_of_this_thread();
  stream.add(bytes);
  return stream.finish();
}

audit_hash chain(const audit_hash& previous, std::string_view bytes) {
  auto& stream = stream_of_this_thread();
  stream.add({reinterpret_cast<const char*>(previous.data()), previous.size()});
  stream.add(bytes);
  return stream.finish();
}

std::string to_hex(const audit_hash& hash) {
  return to_hex(std::string_view(reinterpret_cast<const char*>(hash.data()), hash.size()));
}

} // namespace troupe

// Join tokens as text, and the secrets in them.
#include "net/cluster/certificates.hpp"
#include "runtime/base/encoding.hpp"

#include <array>
#include <cerrno>
#include <sys/random.h>

namespace troupe::cluster {

namespace {

constexpr std::string_view token_prefix = "troupe1.";
constexpr std::size_t token_part_bytes = 32;

failure token_refused() {
  return invalid("token_invalid", "The join token is not complete or not one of Troupe's.",
                 "Copy the whole word that `troupe cluster invite` printed; it begins with "
                 "\"troupe1.\".");
}

} // namespace

std::string to_text(const join_token& token) {
  const auto print = from_hex(token.authority_fingerprint);
  const auto secret = from_hex(token.secret);
  check(print && print->size() == token_part_bytes && secret && secret->size() == token_part_bytes,
        "a join token is made of two texts of 32 bytes");
  return std::string{token_prefix} + to_base64url(*print + *secret);
}

result<join_token> join_token_from(std::string_view text) {
  if (!text.starts_with(token_prefix))
    return token_refused();
  const auto bytes = from_base64(text.substr(token_prefix.size()));
  if (!bytes || bytes->size() != 2 * token_part_bytes)
    return token_refused();
  const std::string_view both{*bytes};
  return join_token{to_hex(both.substr(0, token_part_bytes)),
                    to_hex(both.substr(token_part_bytes))};
}

result<std::string> new_secret() {
  std::array<char, token_part_bytes> random{};
  ssize_t got = 0;
  do
    got = ::getrandom(random.data(), random.size(), 0);
  while (got < 0 && errno == EINTR);
  if (got != static_cast<ssize_t>(random.size()))
    return failure{
        failure_kind::internal, "no_randomness", "The system gave no random bytes.", {}, {}};
  return to_hex(std::string_view{random.data(), random.size()});
}

} // namespace troupe::cluster

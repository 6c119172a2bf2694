#include "node-config/invitations.hpp"

#include "persistence/store/digest.hpp"
#include "runtime/base/encoding.hpp"

#include <openssl/crypto.h>

#include <algorithm>

namespace troupe {

namespace {

constexpr std::int64_t invitations_format = 1;
constexpr std::chrono::hours remembered{24}; ///< so that a late guest is told why
constexpr std::size_t stored_max = 10'000;
constexpr const char* ask_again = "Ask for a new token: `troupe cluster invite` on any node.";

failure invitations_damaged() {
  return {failure_kind::malformed,
          "invitations_damaged",
          "The stored invitations cannot be read.",
          {},
          {}};
}

std::optional<instant> time_in(const json::value& of, std::string_view key) {
  return instant_from_text(json::text_or(of, key, ""));
}

} // namespace

result<instant> invitations::add(std::string_view secret, instant now, milliseconds valid) {
  if (valid <= milliseconds::zero() || valid > valid_max)
    return invalid("invitation_invalid", "An invitation is valid for a week at most.");
  std::erase_if(all_, [&](const auto& one) { return one.expires_at + remembered < now; });
  if (open(now) >= open_max || all_.size() >= stored_max)
    return failure{failure_kind::exhausted,
                   "invitations_full",
                   "There are " + std::to_string(open_max) + " open invitations already.",
                   "Use them, or wait until they end.",
                   {}};
  all_.push_back({to_hex(sha256(secret)), now, now + valid, false});
  return now + valid;
}

result<void> invitations::redeem(std::string_view secret, instant now) {
  const auto wanted = to_hex(sha256(secret));
  invitation* found = nullptr;
  for (auto& one : all_)
    if (CRYPTO_memcmp(one.secret_sha256.data(), wanted.data(), wanted.size()) == 0)
      found = &one;
  if (!found)
    return failure{failure_kind::unauthenticated,
                   "invitation_unknown",
                   "This cluster did not give that join token.",
                   ask_again,
                   {}};
  if (found->used)
    return failure{
        failure_kind::gone, "invitation_used", "The join token was used already.", ask_again, {}};
  if (now >= found->expires_at)
    return failure{failure_kind::gone,
                   "invitation_expired",
                   "The join token ended at " + to_text(found->expires_at) + ".",
                   ask_again,
                   {}};
  found->used = true;
  return {};
}

std::size_t invitations::open(instant now) const noexcept {
  return static_cast<std::size_t>(std::count_if(all_.begin(), all_.end(), [&](const auto& one) {
    return !one.used && now < one.expires_at;
  }));
}

json::value invitations::to_json() const {
  json::array rows;
  for (const auto& one : all_)
    rows.push_back(json::object{{"secret_sha256", one.secret_sha256},
                                {"created_at", to_text(one.created_at)},
                                {"expires_at", to_text(one.expires_at)},
                                {"used", one.used}});
  return json::object{{"format", invitations_format}, {"invitations", std::move(rows)}};
}

result<invitations> invitations::from(const json::value& document) {
  const auto* format = json::find(document, "format");
  const auto* rows = json::find(document, "invitations");
  if (!format || !format->is_int64() || format->get_int64() != invitations_format || !rows ||
      !rows->is_array() || rows->get_array().size() > stored_max)
    return invitations_damaged();
  invitations out;
  for (const auto& row : rows->get_array()) {
    const auto created = time_in(row, "created_at"), expires = time_in(row, "expires_at");
    const auto hash = from_hex(json::text_or(row, "secret_sha256", ""));
    const auto* used = json::find(row, "used");
    if (!created || !expires || !hash || hash->size() != audit_hash{}.size() || !used ||
        !used->is_bool())
      return invitations_damaged();
    out.all_.push_back({to_hex(*hash), *created, *expires, used->get_bool()});
  }
  return out;
}

} // namespace troupe

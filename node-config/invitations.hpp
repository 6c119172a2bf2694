// Who was invited into the cluster and has not come yet: a small table, kept as one document.
#pragma once

#include "runtime/base/instant.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// A value: decide on a copy, store it, then keep it. Secrets are not in it, only their SHA-256.
/// Not thread-safe.
class invitations {
public:
  static constexpr std::chrono::hours valid_by_default{1};
  static constexpr std::chrono::hours valid_max{24 * 7};
  static constexpr std::size_t open_max = 100; ///< at a time

  /// An invitation for whoever shows `secret`; forgets what ended more than a day ago. Returns when
  /// it ends. Fails with `exhausted`, code "invitations_full", and with `invalid`, code
  /// "invitation_invalid", for a time of 0 or over valid_max.
  result<instant> add(std::string_view secret, instant now, milliseconds valid = valid_by_default);

  /// Uses the invitation up. Fails with `unauthenticated`, code "invitation_unknown", and with
  /// `gone`, codes "invitation_used" and "invitation_expired". How long it takes says nothing about
  /// the secrets in the table.
  result<void> redeem(std::string_view secret, instant now);

  /// Those that may still be used.
  std::size_t open(instant now) const noexcept;

  /// {"format": 1, "invitations": [{"secret_sha256", "created_at", "expires_at", "used"}]}
  json::value to_json() const;
  /// Fails with kind `malformed`, code "invitations_damaged".
  static result<invitations> from(const json::value& document);

private:
  struct invitation {
    std::string secret_sha256; ///< hex
    instant created_at, expires_at;
    bool used = false;
  };
  std::vector<invitation> all_;
};

} // namespace troupe

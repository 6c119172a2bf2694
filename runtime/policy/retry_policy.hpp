// When a failed attempt is tried again, and after how long.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string_view>

namespace troupe {

enum class retry_strategy : std::uint8_t { fixed, exponential, exponential_jitter, random };

/// One node's policy. Waits are clamped to [wait_min, wait_max].
struct retry_policy {
  std::uint32_t max_attempts = 1; ///< first try included; ≥ 1
  retry_strategy strategy = retry_strategy::fixed;
  std::chrono::milliseconds wait_min{5'000};
  std::chrono::milliseconds wait_max{300'000};
  friend bool operator==(const retry_policy&, const retry_policy&) = default;
};

std::optional<retry_strategy> retry_strategy_from_text(std::string_view text) noexcept;
std::string_view to_text(retry_strategy strategy) noexcept;

/// The wait before attempt `next` (2 is the first retry). fixed: wait_min; exponential: wait_min ·
/// 2^(next-2); exponential_jitter: uniform between wait_min and that ("full jitter" over a floor,
/// Brooker 2015); random: uniform between wait_min and wait_max. `random` is a fact of the run.
/// A remote's Retry-After raises the wait, also above wait_max, but never above `retry_after_max`.
std::chrono::milliseconds wait_before(const retry_policy& policy, std::uint32_t next,
                                      std::uint64_t random,
                                      std::optional<std::chrono::milliseconds> retry_after);
constexpr std::chrono::milliseconds retry_after_max{std::chrono::hours{24}};

/// Whether a failure with this status is worth another try: 408, 425, 429 and 5xx but 501, 505.
bool retryable_status(unsigned status) noexcept;

} // namespace troupe

#include "runtime/policy/retry_policy.hpp"

#include "runtime/base/prng.hpp"

#include <algorithm>
#include <array>
#include <utility>

namespace troupe {

namespace {

using std::chrono::milliseconds;

constexpr std::array<std::pair<std::string_view, retry_strategy>, 4> strategies{{
    {"fixed", retry_strategy::fixed},
    {"exponential", retry_strategy::exponential},
    {"exponential_jitter", retry_strategy::exponential_jitter},
    {"random", retry_strategy::random},
}};

/// floor · 2^doublings, never above `ceiling` (≥ floor).
milliseconds grown(milliseconds floor, milliseconds ceiling, std::uint32_t doublings) {
  milliseconds wait = floor;
  for (std::uint32_t i = 0; i < doublings && wait.count() > 0 && wait < ceiling; ++i)
    wait = wait > ceiling / 2 ? ceiling : wait * 2;
  return std::min(wait, ceiling);
}

milliseconds uniform(milliseconds low, milliseconds high, std::uint64_t random) {
  const auto span = static_cast<std::uint64_t>((high - low).count()) + 1;
  return low + milliseconds(static_cast<std::int64_t>(prng(random).below(span)));
}

} // namespace

std::optional<retry_strategy> retry_strategy_from_text(std::string_view text) noexcept {
  for (const auto& [name, strategy] : strategies)
    if (name == text)
      return strategy;
  return std::nullopt;
}

std::string_view to_text(retry_strategy strategy) noexcept {
  return strategies[static_cast<std::size_t>(strategy)].first;
}

milliseconds wait_before(const retry_policy& policy, std::uint32_t next, std::uint64_t random,
                         std::optional<milliseconds> retry_after) {
  const milliseconds low = std::max(policy.wait_min, milliseconds(0));
  const milliseconds high = std::max(policy.wait_max, low);
  const std::uint32_t doublings = next > 2 ? next - 2 : 0;
  milliseconds wait = low;
  switch (policy.strategy) {
  case retry_strategy::fixed: break;
  case retry_strategy::exponential: wait = grown(low, high, doublings); break;
  case retry_strategy::exponential_jitter:
    wait = uniform(low, grown(low, high, doublings), random);
    break;
  case retry_strategy::random: wait = uniform(low, high, random); break;
  }
  if (retry_after)
    wait = std::max(wait, std::min(*retry_after, retry_after_max));
  return wait;
}

bool retryable_status(unsigned status) noexcept {
  if (status == 408 || status == 425 || status == 429)
    return true;
  return status >= 500 && status <= 599 && status != 501 && status != 505;
}

} // namespace troupe

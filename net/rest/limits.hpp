// Rates a caller may not pass: token buckets and counts of failures, by address or key.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>

namespace troupe::rest {

using monotonic = std::chrono::steady_clock::time_point; ///< comes in as a fact

/// One bucket a key: `per_minute` tokens at most, refilled evenly. Not thread-safe. Keeps at most
/// keys_max buckets: full ones are forgotten first, and nothing is lost by that.
class token_buckets {
public:
  explicit token_buckets(std::uint32_t per_minute) : per_minute_(per_minute) {}
  bool on() const noexcept { return per_minute_ > 0; }
  /// Zero: taken. Else how long until there is a token.
  std::chrono::milliseconds take(std::string_view key, monotonic now);

private:
  static constexpr std::size_t keys_max = 10'000;
  struct bucket {
    double tokens = 0;
    monotonic at{};
  };
  void refill(bucket& b, monotonic now) const;
  void forget_full(monotonic now);

  std::uint32_t per_minute_;
  std::unordered_map<std::string, bucket> buckets_;
};

/// Failures of a key in a window of a minute. Not thread-safe; at most keys_max keys.
class failure_counter {
public:
  explicit failure_counter(std::uint32_t allowed) : allowed_(allowed) {}
  void note(std::string_view key, monotonic now);
  /// Zero: the key may try. Else how long it must wait.
  std::chrono::milliseconds wait(std::string_view key, monotonic now);

private:
  static constexpr std::size_t keys_max = 10'000;
  static constexpr std::chrono::minutes window{1};
  struct entry {
    std::uint32_t failures = 0;
    monotonic since{};
  };
  std::uint32_t allowed_;
  std::unordered_map<std::string, entry> entries_;
};

} // namespace troupe::rest

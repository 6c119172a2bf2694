#include "net/rest/limits.hpp"

#include <algorithm>
#include <cmath>

namespace troupe::rest {

using std::chrono::milliseconds;

void token_buckets::refill(bucket& b, monotonic now) const {
  const double minutes = std::chrono::duration<double, std::ratio<60>>(now - b.at).count();
  b.tokens = std::min<double>(per_minute_, b.tokens + std::max(0.0, minutes) * per_minute_);
  b.at = now;
}

void token_buckets::forget_full(monotonic now) {
  for (auto at = buckets_.begin(); at != buckets_.end();) {
    refill(at->second, now);
    at = at->second.tokens >= per_minute_ ? buckets_.erase(at) : std::next(at);
  }
  if (buckets_.size() >= keys_max)
    buckets_.erase(buckets_.begin()); // a flood of addresses: memory stays bounded
}

milliseconds token_buckets::take(std::string_view key, monotonic now) {
  if (!on())
    return milliseconds{0};
  auto found = buckets_.find(std::string(key));
  if (found == buckets_.end()) {
    if (buckets_.size() >= keys_max)
      forget_full(now);
    found = buckets_.emplace(std::string(key), bucket{static_cast<double>(per_minute_), now}).first;
  }
  bucket& b = found->second;
  refill(b, now);
  if (b.tokens >= 1) {
    b.tokens -= 1;
    return milliseconds{0};
  }
  const double missing_ms = (1 - b.tokens) * 60'000.0 / per_minute_;
  return milliseconds{std::max<std::int64_t>(1, static_cast<std::int64_t>(std::ceil(missing_ms)))};
}

void failure_counter::note(std::string_view key, monotonic now) {
  if (entries_.size() >= keys_max)
    std::erase_if(entries_, [&](const auto& e) { return now - e.second.since >= window; });
  if (entries_.size() >= keys_max)
    entries_.erase(entries_.begin());
  entry& e = entries_[std::string(key)];
  if (e.failures == 0 || now - e.since >= window)
    e = {0, now};
  ++e.failures;
}

milliseconds failure_counter::wait(std::string_view key, monotonic now) {
  const auto found = entries_.find(std::string(key));
  if (found == entries_.end())
    return milliseconds{0};
  if (now - found->second.since >= window) {
    entries_.erase(found);
    return milliseconds{0};
  }
  if (found->second.failures < allowed_)
    return milliseconds{0};
  return std::chrono::ceil<milliseconds>(window - (now - found->second.since));
}

} // namespace troupe::rest

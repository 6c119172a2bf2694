// Log lines about peers, each reason at most once a minute: what strangers do must not fill disks.
#pragma once

#include <chrono>
#include <map>
#include <string>

namespace troupe::cluster {

class refusal_log {
public:
  /// `node` 0: somebody who did not say who it is; all of those share one line a minute.
  void refused(std::uint64_t node, const std::string& why,
               std::chrono::steady_clock::time_point now);

private:
  struct line {
    std::chrono::steady_clock::time_point written;
    std::int64_t suppressed = 0;
  };
  std::map<std::string, line> lines_;
};

} // namespace troupe::cluster

// When the parts of a node were last seen at work, and which of them a test has stopped.
#pragma once

#include "runtime/base/ids.hpp"

#include <chrono>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

/// Thread-safe. Work is done at least every `beat`, while there is somebody to do it.
class service_board {
public:
  using clock = std::chrono::steady_clock;
  static constexpr std::chrono::milliseconds beat{500};
  /// Silent for longer, and it is not at work.
  static constexpr std::chrono::milliseconds silence_max{3'000};

  void worked(std::string_view service, partition_id at = partition_id{0}) {
    const std::lock_guard lock(mutex_);
    last_.insert_or_assign(std::pair(std::string(service), at), clock::now());
  }
  /// Since it worked last; nothing: it never did.
  std::optional<std::chrono::milliseconds> silent(std::string_view service,
                                                  partition_id at = partition_id{0}) const {
    const std::lock_guard lock(mutex_);
    const auto found = last_.find(std::pair(std::string(service), at));
    if (found == last_.end())
      return std::nullopt;
    return std::chrono::duration_cast<std::chrono::milliseconds>(clock::now() - found->second);
  }

  /// The fault switch: a stopped service leaves its work undone.
  void stop(std::string_view service, bool on) {
    const std::lock_guard lock(mutex_);
    if (on)
      stopped_.emplace(service);
    else if (const auto at = stopped_.find(service); at != stopped_.end())
      stopped_.erase(at);
  }
  bool stopped(std::string_view service) const {
    const std::lock_guard lock(mutex_);
    return stopped_.contains(service);
  }

private:
  mutable std::mutex mutex_; ///< guards both
  std::map<std::pair<std::string, partition_id>, clock::time_point> last_;
  std::set<std::string, std::less<>> stopped_;
};

} // namespace troupe

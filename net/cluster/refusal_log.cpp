#include "net/cluster/refusal_log.hpp"
#include "runtime/base/log.hpp"

namespace troupe::cluster {

namespace {
constexpr auto once_in = std::chrono::minutes(1);
constexpr std::size_t reasons_max = 256;
} // namespace

void refusal_log::refused(std::uint64_t node, const std::string& why,
                          std::chrono::steady_clock::time_point now) {
  if (lines_.size() >= reasons_max)
    std::erase_if(lines_, [&](const auto& one) { return now - one.second.written >= once_in; });
  const auto key = node == 0 ? std::string{} : std::to_string(node) + " " + why;
  auto known = lines_.find(key);
  if (known == lines_.end() && lines_.size() >= reasons_max)
    return; // so many reasons in a minute: enough is said
  if (known != lines_.end() && now - known->second.written < once_in) {
    ++known->second.suppressed;
    return;
  }
  const auto suppressed = known == lines_.end() ? 0 : known->second.suppressed;
  lines_.insert_or_assign(key, line{now, 0});
  log::warning("cluster", node == 0 ? "a connection was refused" : "no connection with a node",
               {{"node", static_cast<std::int64_t>(node)}, {"why", why}, {"more", suppressed}});
}

} // namespace troupe::cluster

#include "runtime/base/log.hpp"

#include <atomic>

namespace troupe::log {

namespace {
std::atomic<sink> installed{nullptr};
std::atomic<level> lowest_level{level::info};
} // namespace

void install(sink target) noexcept {
  installed.store(target);
}
void set_level(level lowest) noexcept {
  lowest_level.store(lowest);
}
bool enabled(level at) noexcept {
  return at >= lowest_level.load(std::memory_order_relaxed);
}

void write(level at, std::string_view component, std::string_view message,
           std::initializer_list<field> fields) {
  if (!enabled(at))
    return;
  if (auto target = installed.load(std::memory_order_acquire))
    target(at, component, message, fields);
}

} // namespace troupe::log

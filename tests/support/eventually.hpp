// Waiting in tests for what other threads do.
#pragma once

#include <chrono>
#include <functional>
#include <thread>

namespace troupe::test {

/// Waits until `holds` does, at most ten seconds; looks every few milliseconds.
inline bool eventually(const std::function<bool()>& holds) {
  const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(10);
  while (!holds()) {
    if (std::chrono::steady_clock::now() > until)
      return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(2));
  }
  return true;
}

} // namespace troupe::test

#include "tests/bench/probe.hpp"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <vector>

namespace troupe::bench {

std::string probe_disk(const std::string& folder, unsigned count) {
  using steady = std::chrono::steady_clock;
  const auto path = folder + "/disk-probe.tmp";
  const int file = open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0644);
  if (file < 0)
    return {};
  const std::string block(16 * 1024, 'x');
  std::vector<double> times;
  times.reserve(count);
  const auto begun = steady::now();
  for (unsigned n = 0; n < count; ++n) {
    const auto before = steady::now();
    if (write(file, block.data(), block.size()) != static_cast<ssize_t>(block.size()) ||
        fdatasync(file) != 0)
      break;
    times.push_back(std::chrono::duration<double, std::milli>(steady::now() - before).count());
  }
  const double seconds = std::chrono::duration<double>(steady::now() - begun).count();
  close(file);
  unlink(path.c_str());
  if (times.empty())
    return {};
  std::sort(times.begin(), times.end());
  const auto at = [&](double part) {
    return std::to_string(
        times[static_cast<std::size_t>(part * static_cast<double>(times.size() - 1))]);
  };
  return "{\"fdatasync_per_s\": " + std::to_string(static_cast<double>(times.size()) / seconds) +
         ", \"p50_ms\": " + at(0.5) + ", \"p99_ms\": " + at(0.99) + "}";
}

} // namespace troupe::bench

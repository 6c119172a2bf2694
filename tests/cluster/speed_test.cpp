// Not run by default: what the network costs. `cluster_test --gtest_also_run_disabled_tests
// --gtest_filter='*DISABLED_Speed*'`.
#include "tests/cluster/network_fixture.hpp"

#include <sys/resource.h>

#include <atomic>
#include <condition_variable>
#include <iostream>
#include <thread>

namespace troupe::test {
namespace {

double processor_used() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<double>(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
         static_cast<double>(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
}

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

} // namespace

TEST(DISABLED_Speed, OfTwoNodes) {
  credentials files;
  auto first = options_of(files.of(1), 1), second = options_of(files.of(2), 2);
  for (auto* options : {&first, &second}) {
    options->heartbeat_interval = 500ms;
    options->silence_max = 2s;
  }
  node one(first), two(second);
  std::mutex mutex;
  std::condition_variable answered;
  std::size_t answers = 0;
  std::atomic<std::uint64_t> bytes{0}, messages{0};
  one.events.on_received = [&](node_number, lane, const std::string&) {
    const std::lock_guard lock(mutex);
    ++answers;
    answered.notify_one();
  };
  two.events.on_received = [&](node_number, lane in, std::string what) {
    bytes += what.size();
    ++messages;
    if (in == lane::consensus)
      two.net->send(1, lane::consensus, std::move(what));
  };
  two.net->set({at(1, one)});
  one.net->set({at(2, two)});
  ASSERT_TRUE(linked(one, 1, two, 2));

  auto processor = processor_used();
  std::this_thread::sleep_for(5s);
  std::cout << "idle: " << (processor_used() - processor) / 5 * 100 << " % of a core, both\n";

  std::vector<double> trips;
  for (std::size_t i = 1; i <= 5'000; ++i) {
    const auto begin = std::chrono::steady_clock::now();
    ASSERT_TRUE(one.net->send(2, lane::consensus, std::string(100, 'x')));
    std::unique_lock lock(mutex);
    ASSERT_TRUE(answered.wait_for(lock, 5s, [&] { return answers == i; }));
    trips.push_back(seconds_since(begin) * 1e6);
  }
  std::sort(trips.begin(), trips.end());
  std::cout << "round trip: p50 " << trips[2'500] << " us, p99 " << trips[4'950] << " us\n";

  for (const std::size_t size : {100u, 1'024u, 16'384u, 262'144u}) {
    bytes = messages = 0;
    std::uint64_t sent = 0;
    processor = processor_used();
    const auto begin = std::chrono::steady_clock::now();
    while (seconds_since(begin) < 3) {
      if (one.net->send(2, lane::request, std::string(size, 'x')))
        ++sent;
      else
        std::this_thread::sleep_for(200us);
    }
    ASSERT_TRUE(eventually([&] { return messages == sent; }));
    const auto took = seconds_since(begin);
    std::cout << size << " bytes: " << static_cast<double>(bytes) / took / 1e6 << " MB/s, "
              << static_cast<double>(messages) / took << " messages/s, processor "
              << (processor_used() - processor) / took * 100 << " %\n";
  }
}

} // namespace troupe::test

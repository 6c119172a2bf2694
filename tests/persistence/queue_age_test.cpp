// How long the oldest turn has waited for the disk.
#include "tests/persistence/support.hpp"

#include <future>
#include <thread>

namespace troupe::test {

using namespace std::chrono_literals;

TEST(QueueAge, GrowsWhileATurnWaitsForTheDisk) {
  const scratch dir;
  std::promise<void> gate;
  const auto opens = gate.get_future().share();
  auto options = options_for(dir / "data");
  std::atomic<bool> held = false;
  options.before_flush = [&] {
    if (held)
      opens.wait();
  };
  const auto store = must_open(options);
  EXPECT_EQ(store->queued().oldest, 0ms);
  held = true;
  std::promise<void> first, second;
  store->propose(one_row(1, 1, "a"), [&](const result<std::uint64_t>&) { first.set_value(); });
  std::this_thread::sleep_for(30ms);
  store->propose(one_row(1, 2, "b"), [&](const result<std::uint64_t>&) { second.set_value(); });
  EXPECT_GE(store->queued().oldest, 30ms);
  std::this_thread::sleep_for(20ms);
  EXPECT_GE(store->queued().oldest, 50ms) << "of the first, whether it is in flight or not";
  held = false;
  gate.set_value();
  first.get_future().wait();
  second.get_future().wait();
  EXPECT_EQ(store->queued().oldest, 0ms);
}

} // namespace troupe::test

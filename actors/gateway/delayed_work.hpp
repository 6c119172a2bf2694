// Work for later, on one thread. Private to this folder.
#pragma once

#include <chrono>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <thread>

namespace troupe::gate {

/// Thread-safe. The thread lives from construction to stop(). Work must not block; what it throws
/// is logged.
class delayed_work {
public:
  using work = std::function<void()>;

  delayed_work();
  ~delayed_work() { stop(); }
  delayed_work(const delayed_work&) = delete;
  delayed_work& operator=(const delayed_work&) = delete;

  /// False: stopped, and nothing happens.
  [[nodiscard]] bool soon(work what);
  [[nodiscard]] bool after(std::chrono::milliseconds delay, work what);

  /// Ends the thread and drops what waits. Never on the thread itself. Idempotent.
  void stop();

private:
  using time = std::chrono::steady_clock::time_point;
  void run();

  std::mutex mutex_; ///< guards all but the thread
  std::condition_variable wake_;
  std::deque<work> now_;
  std::multimap<time, work> later_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace troupe::gate

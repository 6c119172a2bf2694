// Calls something for every open event stream now and then: keep-alive comments.
#pragma once

#include "net/http/server.hpp"

#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

namespace troupe::gate {

/// One thread, started by the first stream. Writes `: keep-alive` to every open stream each period;
/// forgets streams that are closed.
class ticker {
public:
  explicit ticker(std::chrono::milliseconds period) : period_(period) {}
  ~ticker();
  void keep_alive(std::weak_ptr<http::stream> stream);

private:
  void run();

  const std::chrono::milliseconds period_;
  std::mutex mutex_; ///< guards streams_, stopping_ and the start of the thread
  std::condition_variable wake_;
  std::vector<std::weak_ptr<http::stream>> streams_;
  bool stopping_ = false;
  std::thread thread_;
};

} // namespace troupe::gate

// What the demonstration's workflows call: a small HTTP server that remembers every call.
#pragma once

#include "net/http/server.hpp"

#include <chrono>
#include <condition_variable>
#include <deque>
#include <map>
#include <mutex>
#include <set>
#include <string>
#include <thread>

namespace troupe::cli {

/// Thread-safe. An effect happens when its call arrives; the answer comes a moment later, so that
/// there is always something under way.
class demo_target {
public:
  struct effect {
    std::size_t times = 0;
    std::set<std::string> keys; ///< Idempotency-Keys that came with it
  };

  explicit demo_target(std::chrono::milliseconds takes) : takes_(takes) {}
  ~demo_target();
  /// On loopback. Fails as http::start_server does.
  result<void> start();
  std::string address() const { return "127.0.0.1:" + std::to_string(server_->port()); }

  std::size_t calls() const;
  std::map<std::string, effect> effects() const; ///< by path

private:
  using clock = std::chrono::steady_clock;
  struct late_answer {
    clock::time_point due;
    std::shared_ptr<http::responder> to;
  };
  void take(const http::request& r, std::shared_ptr<http::responder> to);
  void answer_late();

  const std::chrono::milliseconds takes_;
  mutable std::mutex mutex_; ///< guards what is below, up to the thread
  std::condition_variable wake_;
  std::map<std::string, effect> effects_;
  std::size_t calls_ = 0;
  std::deque<late_answer> late_;
  bool ends_ = false;
  std::thread thread_;
  std::unique_ptr<http::server> server_;
};

} // namespace troupe::cli

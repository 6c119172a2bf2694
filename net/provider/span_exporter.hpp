// Sends spans to a collector, on a thread of its own that nobody waits for.
#pragma once

#include "net/provider/otlp.hpp"

#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <deque>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <vector>

namespace troupe::otlp {

struct exporter_options {
  std::string url{}; ///< of a collector
  std::string version{};
  std::size_t queue_max = 8'192; ///< spans; when it is full the oldest goes
  std::size_t batch_max = 512;
  std::chrono::milliseconds gather{1'000};   ///< how long a span waits for others
  std::chrono::milliseconds timeout{10'000}; ///< of one call
  std::chrono::milliseconds pause{200};      ///< before the one retry of a batch
  std::chrono::milliseconds flush{1'000};    ///< what is left at the end has so long
};

/// Thread-safe. One call at a time is under way. What could not be sent is counted as dropped.
class span_exporter final : public span_sink {
public:
  span_exporter(std::unique_ptr<http::client> client, exporter_options how);
  ~span_exporter() override { stop(); }

  void add(trace_span what) override;
  /// Sends what is queued, within `flush`, and ends the thread. Idempotent; for one caller.
  void stop();

  struct figures {
    std::uint64_t sent = 0, dropped = 0;
    std::size_t queued = 0;
  };
  figures current() const;

private:
  using clock = std::chrono::steady_clock;
  using answer = result<http::incoming_response>;
  void run();
  void deliver(std::unique_lock<std::mutex>& lock, const std::vector<trace_span>& batch);
  /// Nothing: the end came before an answer.
  std::optional<answer> call(std::unique_lock<std::mutex>& lock, const std::string& body);
  void tell(bool fine, std::string_view why);

  const exporter_options how_;
  mutable std::mutex mutex_; ///< guards everything down to the thread
  std::condition_variable wake_;
  std::deque<trace_span> queue_;
  std::optional<answer> answer_; ///< of the call with the number calls_
  std::uint64_t calls_ = 0, sent_ = 0, dropped_ = 0;
  bool stopping_ = false, failing_ = false;
  clock::time_point last_{}; ///< the end, once stopping
  std::unique_ptr<http::client> client_;
  std::thread thread_;
};

} // namespace troupe::otlp

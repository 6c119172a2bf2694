#include "actors/gateway/ticker.hpp"

namespace troupe::gate {

ticker::~ticker() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_all();
  if (thread_.joinable())
    thread_.join();
}

void ticker::keep_alive(std::weak_ptr<http::stream> stream) {
  const std::lock_guard lock(mutex_);
  streams_.push_back(std::move(stream));
  if (!thread_.joinable())
    thread_ = std::thread([this] { run(); });
}

void ticker::run() {
  std::unique_lock lock(mutex_);
  while (!wake_.wait_for(lock, period_, [this] { return stopping_; })) {
    std::vector<std::shared_ptr<http::stream>> open;
    std::erase_if(streams_, [&](const std::weak_ptr<http::stream>& weak) {
      auto stream = weak.lock();
      if (!stream || !stream->open())
        return true;
      open.push_back(std::move(stream));
      return false;
    });
    lock.unlock(); // a stream's end may come back here
    for (const auto& stream : open)
      stream->write(": keep-alive\n\n");
    open.clear();
    lock.lock();
  }
}

} // namespace troupe::gate

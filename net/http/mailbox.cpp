#include "net/http/mailbox.hpp"

#include "runtime/base/log.hpp"

#include <boost/asio/post.hpp>

#include <exception>

namespace troupe::http::detail {

void mailbox::run_soon(work what) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    if (closed_)
      return;
    wake = waiting_.empty();
    waiting_.push_back(std::move(what));
  }
  if (wake)
    boost::asio::post(io_, [this] { drain(); });
}

void mailbox::drain() {
  {
    const std::lock_guard lock(mutex_);
    running_.swap(waiting_);
  }
  for (auto& what : running_) {
    try {
      what();
    } catch (const std::exception& thrown) {
      log::error("http", "a callback threw", {{"what", std::string_view{thrown.what()}}});
    }
    what = nullptr;
  }
  running_.clear();
}

void mailbox::close() {
  std::vector<work> dropped; // destroyed outside the lock: destructors may call run_soon
  {
    const std::lock_guard lock(mutex_);
    closed_ = true;
    dropped.swap(waiting_);
  }
}

} // namespace troupe::http::detail

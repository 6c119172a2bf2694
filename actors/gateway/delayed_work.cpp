#include "actors/gateway/delayed_work.hpp"

#include "runtime/base/invariant.hpp"
#include "runtime/base/log.hpp"

#include <exception>
#include <utility>

namespace troupe::gate {

delayed_work::delayed_work() : thread_([this] { run(); }) {}

bool delayed_work::soon(work what) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return false;
    now_.push_back(std::move(what));
  }
  wake_.notify_one();
  return true;
}

bool delayed_work::after(std::chrono::milliseconds delay, work what) {
  {
    const std::lock_guard lock(mutex_);
    if (stopping_)
      return false;
    later_.emplace(std::chrono::steady_clock::now() + delay, std::move(what));
  }
  wake_.notify_one();
  return true;
}

void delayed_work::stop() {
  check(thread_.get_id() != std::this_thread::get_id(), "a thread cannot wait for itself");
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  wake_.notify_one();
  if (thread_.joinable())
    thread_.join();
  std::deque<work> now; // end outside of the lock: what they hold may come back here
  std::multimap<time, work> later;
  const std::lock_guard lock(mutex_);
  now.swap(now_);
  later.swap(later_);
}

void delayed_work::run() {
  std::unique_lock lock(mutex_);
  for (;;) {
    const auto at = std::chrono::steady_clock::now();
    while (!later_.empty() && later_.begin()->first <= at)
      now_.push_back(std::move(later_.extract(later_.begin()).mapped()));
    if (stopping_)
      return;
    if (now_.empty()) {
      if (later_.empty()) {
        wake_.wait(lock);
      } else {
        const auto due = later_.begin()->first; // a copy: the entry may go while we wait
        wake_.wait_until(lock, due);
      }
      continue;
    }
    auto what = std::move(now_.front());
    now_.pop_front();
    lock.unlock();
    try {
      what();
    } catch (const std::exception& thrown) {
      log::error("api", "work for another node threw", {{"what", std::string_view{thrown.what()}}});
    }
    what = nullptr; // also ends outside of the lock
    lock.lock();
  }
}

} // namespace troupe::gate

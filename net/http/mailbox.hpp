// Work handed to the io thread by other threads: a hundred answers cost one wake-up.
#pragma once

#include <boost/asio/io_context.hpp>

#include <functional>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

namespace troupe::http::detail {

/// Thread-safe. Work runs on the io thread in the order it came.
class mailbox {
public:
  using work = std::function<void()>;
  explicit mailbox(boost::asio::io_context& io) : io_(io) {}

  /// Runs `what` soon; drops it (destroying it on the caller's thread) once closed.
  void run_soon(work what);
  /// Runs `what` at once when called on the io thread, else soon.
  template <class Work> void run(Work&& what) {
    if (on_io_thread())
      what();
    else
      run_soon(work(std::forward<Work>(what)));
  }
  bool on_io_thread() const noexcept { return std::this_thread::get_id() == io_thread_; }
  /// The io thread calls this first.
  void bind_to_this_thread() noexcept { io_thread_ = std::this_thread::get_id(); }
  /// From now on nothing is taken. Call after the io thread has ended.
  void close();

private:
  void drain();

  boost::asio::io_context& io_;
  std::thread::id io_thread_;
  std::mutex mutex_;
  std::vector<work> waiting_;
  std::vector<work> running_; ///< io thread only: keeps its capacity between rounds
  bool closed_ = false;
};

} // namespace troupe::http::detail

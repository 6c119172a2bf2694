// A long answer's bounded queue between the threads that write and the session that sends.
#pragma once

#include "net/http/core.hpp"

#include <memory>
#include <mutex>
#include <string>

namespace troupe::http::detail {

class session;

class event_stream final : public stream, public std::enable_shared_from_this<event_stream> {
public:
  event_stream(std::shared_ptr<core> home, std::weak_ptr<session> to);

  bool write(std::string bytes) override;
  void close() override;
  bool open() const noexcept override;
  void on_close(std::function<void()> gone) override;

  struct portion {
    std::string bytes;
    bool last = false;     ///< the owner closed the stream and nothing is left
    bool overflow = false; ///< the reader was too slow: the connection must be cut
  };
  /// Everything queued. Its bytes count as queued until written() is called.
  portion take();
  /// True when the reader was too slow: then no write that is under way is worth waiting for.
  bool overflowed();
  void written();
  /// Nothing more will be sent; calls on_close once, on the io thread.
  void ended();

private:
  void wake();

  const std::shared_ptr<core> home_;
  const std::weak_ptr<session> to_;
  mutable std::mutex mutex_; ///< guards all below
  std::string queued_;
  std::size_t in_flight_ = 0;
  bool open_ = true, overflow_ = false, scheduled_ = false, ended_ = false;
  std::function<void()> gone_;
  byte_gauge gauge_;
};

} // namespace troupe::http::detail

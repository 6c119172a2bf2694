// What all connections of one server share: the io context, limits, handlers, counters and the
// list of live connections with its coarse clock. Included by .cpp files of this folder only.
#pragma once

#include "net/http/mailbox.hpp"
#include "net/http/refusal.hpp"
#include "net/http/server.hpp"
#include "net/http/wire.hpp"

#include <boost/asio/steady_timer.hpp>

#include <array>
#include <atomic>
#include <deque>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

namespace troupe::http::detail {

using steady_time = std::chrono::steady_clock::time_point;
constexpr steady_time no_deadline = steady_time::max();
constexpr std::chrono::milliseconds tick_length{250};

class session;

/// A live connection as the clock and shutdown see it. Functions are called on the io thread.
class connection {
public:
  virtual ~connection() = default;
  virtual void tick(steady_time now) = 0;
  /// Ends after what is under way.
  virtual void stop_soon() = 0;
  /// Ends at once. Calling it again does nothing.
  virtual void close_now() = 0;

private:
  friend class core;
  std::size_t place_ = SIZE_MAX; ///< in core's list
};

class core : public std::enable_shared_from_this<core> {
public:
  core(server_limits the_limits, handlers the_handlers, byte_budget* the_budget = nullptr);

  asio::io_context io{1};
  const server_limits limits;
  handlers handle;           ///< not called after the io thread has ended
  byte_budget* const budget; ///< may be null
  std::optional<asio::ssl::context> tls;
  mailbox mail{io};
  bool stopping = false; ///< io thread only

  std::atomic<std::uint64_t> connections_open = 0, accepted = 0, refused = 0, requests = 0,
                             websockets_open = 0, bytes_buffered = 0, bodies_waiting = 0;

  /// Keeps the connection alive until it is removed, which it does itself when it closes.
  void add(std::shared_ptr<connection> c);
  void remove(connection& c) noexcept;
  void for_each(const std::function<void(connection&)>& f);

  /// Ticks every 250 ms over all connections until stop_clock(). A timer a connection or request
  /// would cost more than the sweep.
  void start_clock(std::function<void()> each_tick);
  void stop_clock();

  // session_pause.cpp: bodies that wait for memory, those first that came first. Io thread only.
  void wait_for_memory(std::weak_ptr<session> who);
  void resume_bodies();
  unsigned exempt_bodies = 0; ///< read although memory is short

  std::array<char, 64u << 10> dropped; ///< where bytes go that nobody wants

  const std::string& date(); ///< the value of the Date header
  std::string take_buffer();
  void give_back(std::string buffer);

  /// The answer for a refusal, by `handlers.problem` where there is one.
  response problem(const request& head, const refusal& why);
  void decorate(const request& head, response& answer);

private:
  void tick();

  asio::steady_timer clock_{io};
  std::function<void()> each_tick_;
  std::vector<std::shared_ptr<connection>> live_;
  std::deque<std::weak_ptr<session>> waiting_bodies_;
  std::vector<std::string> buffers_;
  std::string date_;
  std::time_t date_of_ = 0;
};

/// Counts one connection as open, of all and of its address, while it lives. Move-only.
class admission {
public:
  using table = std::unordered_map<std::string, std::size_t>;
  admission(std::shared_ptr<core> home, std::shared_ptr<table> by_address, std::string address);
  ~admission();
  admission(admission&&) noexcept = default;
  admission& operator=(admission&&) = delete;

private:
  std::shared_ptr<core> home_;
  std::shared_ptr<table> by_address_;
  std::string address_;
};

/// Bytes that a connection keeps in memory, as counted by `server_counters::bytes_buffered` and by
/// the budget.
class byte_gauge {
public:
  explicit byte_gauge(core& home, budget_kind kind = budget_kind::bodies)
      : home_(home), claim_(home.budget, kind) {}
  ~byte_gauge() { set(0); }
  byte_gauge(const byte_gauge&) = delete;
  byte_gauge& operator=(const byte_gauge&) = delete;
  /// `weight`: how many times the bytes count in the budget.
  void set(std::size_t bytes, std::size_t weight = 1) noexcept {
    home_.bytes_buffered.fetch_add(bytes - bytes_, std::memory_order_relaxed);
    bytes_ = bytes;
    claim_.set(bytes * weight);
  }

private:
  core& home_;
  std::size_t bytes_ = 0;
  byte_claim claim_;
};

} // namespace troupe::http::detail

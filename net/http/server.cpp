// The listener and the io thread.
#include "net/http/server.hpp"

#include "net/http/session.hpp"
#include "net/http/tls.hpp"
#include "runtime/base/log.hpp"

#include <condition_variable>
#include <future>
#include <mutex>
#include <thread>

namespace troupe::http {

namespace {

using namespace detail;
using acceptor = asio::basic_socket_acceptor<asio::ip::tcp, executor>;

// Beyond these, a refused connection is closed without an answer.
constexpr std::uint64_t answered_refusals_max = 64;

failure bind_failed(const std::string& message) {
  return {failure_kind::unavailable,
          "bind_failed",
          "Cannot listen: " + message + ".",
          "Choose another host or port.",
          {}};
}

class asio_server final : public server {
public:
  asio_server(std::shared_ptr<core> home, acceptor listening)
      : home_(std::move(home)), acceptor_(std::move(listening)),
        port_(acceptor_.local_endpoint().port()) {
    home_->start_clock([this] { each_tick(); });
    if (home_->budget)
      home_->budget->on_relief([to = std::weak_ptr(home_)] {
        if (const auto alive = to.lock())
          alive->mail.run_soon([raw = alive.get()] { raw->resume_bodies(); });
      });
    accept();
    std::promise<void> bound; // nobody may ask on_io_thread() before the thread has a name
    thread_ = std::thread([home = home_, &bound] {
      home->mail.bind_to_this_thread();
      bound.set_value();
      run(*home);
    });
    bound.get_future().wait();
  }

  ~asio_server() override {
    check(!home_->mail.on_io_thread(), "a server cannot be destroyed on its io thread");
    home_->mail.run_soon([this] {
      stop_accepting();
      home_->stop_clock();
      home_->for_each([](connection& c) { c.close_now(); });
    });
    thread_.join();
    home_->mail.close();
    home_->handle = {};
  }

  std::uint16_t port() const noexcept override { return port_; }

  server_counters counters() const noexcept override {
    return {home_->connections_open, home_->accepted,       home_->refused,       home_->requests,
            home_->websockets_open,  home_->bytes_buffered, home_->bodies_waiting};
  }

  void stop(std::chrono::milliseconds grace) override {
    check(!home_->mail.on_io_thread(), "stop() waits, so it cannot run on the io thread");
    std::unique_lock lock(mutex_);
    home_->mail.run_soon([this] {
      stop_accepting();
      home_->for_each([](connection& c) { c.stop_soon(); });
      tell_when_empty();
    });
    all_closed_.wait_for(lock, grace, [this] { return empty_; });
    lock.unlock();
    std::promise<void> closed;
    home_->mail.run_soon([this, &closed] {
      home_->for_each([](connection& c) { c.close_now(); });
      closed.set_value();
    });
    closed.get_future().wait();
  }

private:
  static void run(core& home) {
    for (bool done = false; !done;) {
      try {
        home.io.run();
        done = true;
      } catch (const std::exception& thrown) {
        log::error("http", "the io thread caught an exception",
                   {{"what", std::string_view{thrown.what()}}});
      }
    }
  }

  void stop_accepting() {
    home_->stopping = true;
    error_code ignored;
    acceptor_.close(ignored);
  }

  void tell_when_empty() {
    if (!home_->stopping || home_->connections_open > 0)
      return;
    const std::lock_guard lock(mutex_);
    empty_ = true;
    all_closed_.notify_all();
  }

  void each_tick() {
    tell_when_empty();
    if (std::exchange(accept_paused_, false))
      accept();
  }

  void accept() {
    if (!acceptor_.is_open())
      return;
    acceptor_.async_accept([this](error_code ec, tcp_socket socket) {
      if (ec == asio::error::operation_aborted)
        return;
      if (ec == asio::error::no_descriptors || ec == asio::error::no_memory ||
          ec == asio::error::no_buffer_space || ec.value() == ENFILE) {
        accept_paused_ = true; // tried again at the next tick, when others may have closed
        return;
      }
      if (!ec)
        welcome(std::move(socket));
      accept();
    });
  }

  void welcome(tcp_socket socket) {
    error_code ec;
    const auto peer = socket.remote_endpoint(ec);
    if (ec)
      return;
    socket.set_option(asio::ip::tcp::no_delay(true), ec);
    auto address = peer.address().to_string();
    const auto found = by_address_->find(address);
    const auto same = found == by_address_->end() ? 0 : found->second;
    const bool full = home_->connections_open >= home_->limits.connections_max ||
                      same >= home_->limits.connections_per_address_max;
    if (full) {
      ++home_->refused;
      if (home_->tls ||
          home_->connections_open >= home_->limits.connections_max + answered_refusals_max)
        return;
    } else {
      ++home_->accepted;
    }
    auto* tls = home_->tls ? &*home_->tls : nullptr;
    auto made = std::make_shared<session>(home_, admission(home_, by_address_, address),
                                          wire(std::move(socket), tls), address);
    full ? made->start_refusing() : made->start();
  }

  const std::shared_ptr<core> home_;
  acceptor acceptor_;
  const std::uint16_t port_;
  std::shared_ptr<admission::table> by_address_ = std::make_shared<admission::table>();
  bool accept_paused_ = false; // io thread only
  std::mutex mutex_;
  std::condition_variable all_closed_;
  bool empty_ = false;
  std::thread thread_;
};

result<asio::ip::tcp::endpoint> resolve(core& home, const std::string& host, std::uint16_t port) {
  error_code ec;
  if (const auto address = asio::ip::make_address(host, ec); !ec)
    return asio::ip::tcp::endpoint(address, port);
  asio::ip::tcp::resolver resolver(home.io);
  const auto found = resolver.resolve(host, std::to_string(port), ec);
  if (ec || found.empty())
    return bind_failed(ec.message());
  return found.begin()->endpoint();
}

} // namespace

result<std::unique_ptr<server>> start_server(server_options options, handlers handle) {
  auto home = std::make_shared<core>(options.limits, std::move(handle), options.budget);
  auto tls = load_tls(options.tls);
  if (!tls)
    return std::move(tls).error();
  home->tls = std::move(*tls);
  const auto endpoint = resolve(*home, options.host, options.port);
  if (!endpoint)
    return endpoint.error();
  acceptor listening(home->io.get_executor());
  error_code ec;
  listening.open(endpoint->protocol(), ec);
  if (!ec)
    listening.set_option(asio::socket_base::reuse_address(true), ec);
  if (!ec)
    listening.bind(*endpoint, ec);
  if (!ec)
    listening.listen(asio::socket_base::max_listen_connections, ec);
  if (ec)
    return bind_failed(ec.message());
  return std::unique_ptr<server>(
      std::make_unique<asio_server>(std::move(home), std::move(listening)));
}

} // namespace troupe::http

// Questions to other nodes and answers to theirs, over a network that may lose whatever it is
// given.
#pragma once

#include "actors/api/node_link.hpp"

#include <cstddef>
#include <memory>
#include <thread>

namespace troupe {

struct link_desk_options {
  std::uint64_t self = 0;
  /// Queues a message for a node; never blocks. False: it is lost. Messages to one node arrive in
  /// order, once or not at all. Not called any more once the desk is gone.
  std::function<bool(std::uint64_t node, std::string bytes)> send;
  std::function<std::vector<std::uint64_t>()> others;    ///< as node_link::others(); may be empty
  std::size_t pending_max = 100'000;                     ///< questions under way
  std::size_t piece_bytes_max = std::size_t{256} << 10;  ///< of one message of the network
  std::size_t message_bytes_max = std::size_t{64} << 20; ///< of a question or answer
  std::size_t unfinished_bytes_max = std::size_t{128} << 20; ///< pieces of what is not whole yet
};

/// Thread-safe. Serving functions are called on the thread that calls received(), or on that of who
/// asks this node itself: they must not block. A serving function may ask, and must not call
/// serve() about its own topic. The destructor waits for calls that are under way, and answers what
/// is pending with "node_unreachable"; who still holds the way back of a question may use it later.
class link_desk final : public node_link {
public:
  explicit link_desk(link_desk_options options);
  ~link_desk() override;

  std::uint64_t self() const override;
  std::vector<std::uint64_t> others() const override;
  void ask(std::uint64_t node, link_topic about, std::string bytes,
           std::chrono::milliseconds timeout, answer back) override;
  void serve(link_topic about, server who) override;

  /// A message of the network; whatever it is, it does no harm.
  void received(std::uint64_t from, std::string bytes);
  /// The connection is gone: nothing that was asked there is answered any more.
  void down(std::uint64_t node);

private:
  class core;
  const std::shared_ptr<core> core_;
  std::thread timer_; ///< ends questions whose time is over
};

} // namespace troupe

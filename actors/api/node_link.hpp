// Questions between the nodes of a cluster: bytes there, bytes back.
#pragma once

#include "runtime/base/result.hpp"

#include <chrono>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

namespace troupe {

/// What a question is about; each has one place that answers, and its own bytes, which begin with a
/// version.
enum class link_topic : std::uint8_t {
  http = 1,      ///< a client's request, to be served where its partition is led
  message = 2,   ///< from a run to another: the outbox
  tokens = 3,    ///< of the limiter, which lives where control is led
  task = 4,      ///< of an external worker, which is known where control is led
  changed = 5,   ///< of the cluster itself: members, drains
  authority = 6, ///< of a member that cannot let others in yet: the key of the authority
  live = 7,      ///< what a run says that is no event, for who follows it elsewhere
  counted = 8,   ///< what a client did that is limited by the minute
};

/// Thread-safe; never blocks.
class node_link {
public:
  using answer = std::function<void(result<std::string>)>;
  /// `from` asks; `back` is called exactly once, from any thread.
  using server = std::function<void(std::uint64_t from, std::string bytes, answer back)>;

  virtual ~node_link() = default;
  virtual std::uint64_t self() const = 0;
  /// The other nodes that there is a connection with just now.
  virtual std::vector<std::uint64_t> others() const { return {}; }

  /// `back` is called exactly once, from any thread: with the answer, with the failure that the
  /// other side gave, or with kind `unavailable`, code "node_unreachable", when there is no
  /// connection, it breaks, or the time is over: then what was asked may have happened.
  virtual void ask(std::uint64_t node, link_topic about, std::string bytes,
                   std::chrono::milliseconds timeout, answer back) = 0;

  /// Who answers questions about a topic; an empty one: nobody any more (when it returns, nothing
  /// more is asked of it). A question that nobody answers fails with "node_unreachable".
  virtual void serve(link_topic about, server who) = 0;
};

} // namespace troupe

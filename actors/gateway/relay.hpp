// Requests that are served where their partition is led. Private to this folder.
//
//            not_leader, with a hint            the answer
//   engine ──────────────────────────► asked ──────────────► answered
//     ▲  no leader known, or too          │ not_leader, with a hint: the next node
//     │  many nodes in a row              │
//     └──────── waiting ◄─────────────────┘ unreachable, and to be repeated safely
//                  │ leader_wait is over
//                  ▼
//               failed: no_leader; or leadership_lost, when it may have happened
#pragma once

#include "actors/api/node_link.hpp"
#include "actors/gateway/delayed_work.hpp"
#include "actors/gateway/relay_codec.hpp"
#include "actors/gateway/told_positions.hpp"
#include "runtime/base/byte_budget.hpp"

#include <atomic>
#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace troupe::gate {

/// Whether a failure says that the request must be asked elsewhere, or again.
bool about_leadership(const failure& why) noexcept;

/// How far a request has come; lives as long as the request.
struct relay_progress {
  std::chrono::steady_clock::time_point until{}; ///< no longer is a leader waited for
  unsigned redirects = 0;                        ///< nodes asked in a row, without a pause
  unsigned pauses = 0, renewals = 0;
  bool uncertain = false; ///< one of them may have done it
};

/// One request on its way to other nodes. Exactly one of `again`, `answered` and `failed` is called
/// in the end, from any thread.
struct errand {
  std::function<std::string(const relay_facts&)> bytes; ///< for each node that is asked
  /// Asks this node's engine anew, which may lead by now or know who does.
  std::function<void()> again;
  std::function<void(http::response)> answered;
  std::function<void(const failure&)> failed;
  bool repeatable = false;                    ///< doing it twice is as good as once
  std::chrono::milliseconds patience{30'000}; ///< for one node's answer
  std::shared_ptr<relay_progress> progress;
};

/// Thread-safe.
class relay : public std::enable_shared_from_this<relay> {
public:
  struct options {
    std::chrono::milliseconds leader_wait{5'000};
    byte_budget* budget = nullptr; ///< counts requests on their way; may be empty
  };
  /// `link` and `engine` must outlive stop().
  relay(node_link& link, engine_port& engine, options how)
      : link_(link), engine_(engine), how_(how) {}

  /// After stop() errands fail, and nobody waits.
  void stop() { work_.stop(); }

  /// The engine, or another node, has refused with `why` (which is about leadership).
  void go(const std::shared_ptr<errand>& e, const failure& why);

  /// Goes on once this node shows these positions, at the latest when the views wait no longer.
  /// At once on the caller's thread, or on another.
  void when_shown(const std::vector<position>& what, std::function<void()> go_on);

  /// Prometheus lines.
  std::string metrics_text() const;

  told_positions told;
  delayed_work& work() noexcept { return work_; }
  std::uint64_t self() const { return link_.self(); }

private:
  using errand_ptr = std::shared_ptr<errand>;
  void send(const errand_ptr& e, std::uint64_t node);
  void on_answer(const errand_ptr& e, result<std::string> got);
  void refused(const errand_ptr& e, const failure& why);
  void uncertain(const errand_ptr& e);
  void pause(const errand_ptr& e);
  void give_up(const errand_ptr& e);

  node_link& link_;
  engine_port& engine_;
  const options how_;
  std::atomic<std::uint64_t> asked_{0}, lost_{0}, unled_{0};
  delayed_work work_;
};

} // namespace troupe::gate

// Who runs the io attempts of steps: the port of skill providers.
#pragma once

#include "runtime/engine/command.hpp"

#include <chrono>
#include <functional>
#include <memory>
#include <string>

namespace troupe {

/// One attempt, as a provider gets it.
struct skill_task {
  run_id run{};
  place at;
  std::uint32_t attempt = 1;
  std::string skill;
  shared_value parameters; ///< rendered; never empty
  milliseconds timeout{0}; ///< > 0
  std::string idempotency_key, trace_id;
};

using skill_done = std::function<void(attempt_outcome)>;
/// What is never an event: a kind ("progress", "token") and its JSON.
using skill_live = std::function<void(std::string kind, std::shared_ptr<const std::string> json)>;

/// An attempt under way. Dropping it does not abort.
class skill_call {
public:
  virtual ~skill_call() = default;
  /// The outcome no longer matters; `done` may or may not be called. Thread-safe.
  virtual void abort() = 0;
};

class skill_provider {
public:
  virtual ~skill_provider() = default;
  /// Never blocks; thread-safe. `done` is called at most once, from any thread, and must not
  /// block; it comes within the task's timeout (counted from when the attempt really starts for
  /// providers that queue, from the call for workers).
  virtual std::shared_ptr<skill_call> start(skill_task what, skill_done done, skill_live live) = 0;
};

/// A failed attempt.
inline attempt_outcome failed_attempt(std::string code, std::string message, bool retryable) {
  attempt_outcome out;
  out.error.code = std::move(code);
  out.error.message = std::move(message);
  out.error.retryable = retryable;
  return out;
}

} // namespace troupe

// What the world is owed after a turn. Derived from state, never stored.
#pragma once

#include "runtime/engine/state.hpp"

#include <variant>
#include <vector>

namespace troupe {

namespace effects {

/// Run this attempt, instant or io. A timeout of 0 means the node-wide default.
struct run_attempt {
  place at;
  std::uint32_t attempt = 1;
  effect_class effect = effect_class::io;
  std::string skill;
  value_ref parameters;
  milliseconds timeout{0};
  std::string idempotency_key; ///< run-id/node/iteration: the same for all attempts
  friend bool operator==(const run_attempt& a, const run_attempt& b) {
    return a.at.node == b.at.node && a.at.iteration == b.at.iteration && a.attempt == b.attempt;
  }
};
/// Send commands::fire_timer at `due`.
struct wake_at {
  std::uint64_t timer = 0;
  instant due{};
  friend bool operator==(const wake_at&, const wake_at&) = default;
};
/// Send commands::proceed.
struct proceed {
  friend bool operator==(const proceed&, const proceed&) = default;
};

using any = std::variant<run_attempt, wake_at, proceed>;

} // namespace effects

/// Everything a run owes, in a fixed order. Messages to others are outbox rows, not effects.
std::vector<effects::any> owed(const plan& p, const run_state& s);

/// What is owed because of the events of one turn: owed(after) − owed(before), without comparing
/// whole states. A property test holds the two together.
std::vector<effects::any> newly_owed(const plan& p, const run_state& after,
                                     const std::vector<event>& turn);

/// Key that every attempt of a step carries to the outside.
std::string idempotency_key(const run_state& s, const place& at);

} // namespace troupe

// decide: what a run does next. Pure: same plan, state, command and facts, same events.
#pragma once

#include "runtime/engine/command.hpp"
#include "runtime/engine/effect.hpp"
#include "runtime/engine/state.hpp"

#include <span>

namespace troupe {

/// A turn ends when one of these is passed; what is left is decided by commands::proceed.
struct turn_limits {
  std::uint32_t events_max = 256;
  std::size_t bytes_max = 256u << 10;
  std::uint64_t operations_max = 100'000;
};

/// Facts and settings that a decision may use.
struct decide_context {
  instant now{};
  blob_port& blobs;
  turn_limits limits;
  std::uint16_t partitions = 16;       ///< content partitions, for the ids of children
  std::uint32_t depth_max = 16;        ///< of sub-workflows
  std::uint32_t interruptions_max = 3; ///< in a row; then the run is quarantined
  std::uint32_t signals_max = 256;     ///< buffered
  milliseconds default_run_timeout{std::chrono::hours{1}};
};

/// A command the run refuses: nothing changed, nothing was recorded.
struct rejection {
  failure why;
  bool ignored = false; ///< true: harmless repeat (late outcome, second timer): no answer needed
};

/// What a turn decided. `state` was evolved over `events`.
struct decision {
  std::vector<event> events;
  std::vector<rejection> rejections; ///< one for every refused command, in order of the commands
  std::vector<std::size_t> rejected; ///< indices of those commands
};

/// Decides on all commands together and evolves `state` over the events. With no events the state
/// is unchanged. `state.id` must be set before the first command.
decision decide(const plan& p, run_state& state, std::span<const commands::any> what,
                const decide_context& context);

/// Folds one event into the state. The event must be the next one (seq = state.seq + 1).
void evolve(const plan& p, run_state& state, const event& e);

/// Name of the rules in force; stored in execution_started.
constexpr std::uint32_t semantics_current = 1;

} // namespace troupe

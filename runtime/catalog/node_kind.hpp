// The behaviours of nodes that the core knows, and what running one costs.
#pragma once

#include <cstdint>

namespace troupe {

/// What running a node costs and who runs it (docs/architecture.md, "Effect classes").
enum class effect_class : std::uint8_t {
  pure,      ///< inside the turn
  immediate, ///< "instant": after the commit, in the run's actor: no I/O, no shared state
  internal,  ///< a deduplicated document command
  io,        ///< a step actor; at least once
};

/// What decide does with a node. One value for each behaviour of the core; every skill is `skill`.
enum class node_kind : std::uint8_t {
  trigger, ///< passes the run's input on
  if_,
  switch_,
  filter,
  loop,
  merge,
  wait,
  human,
  transform,    ///< ACTION/DATA_TRANSFORMATION
  set_variable, ///< ACTION/SET_VARIABLE
  output,       ///< OUTPUT
  subworkflow,  ///< SUBWORKFLOW
  skill,        ///< anything that a skill provider runs (HTTP_REQUEST and echo among them)
};

} // namespace troupe

// The actor of partition 0.
#pragma once

#include "actors/control/control_core.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

control_actor spawn_control_actor(caf::actor_system& system, control_deps deps);

} // namespace troupe

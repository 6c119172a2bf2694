// The actor of partition 0.
#pragma once

#include "actors/control/control_core.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

/// Lives as long as the node. Between open_partition and leave_partition it writes; otherwise it
/// answers "not_leader". What control does by itself, it does always.
control_actor spawn_control_actor(caf::actor_system& system, control_deps deps);

} // namespace troupe

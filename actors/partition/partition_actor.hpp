// The actor of one content partition.
#pragma once

#include "actors/api/shared.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

/// Does nothing until it gets open_partition.
partition_actor spawn_partition_actor(caf::actor_system& system, engine_shared& shared,
                                      partition_id partition);

} // namespace troupe

// The actor of one content partition.
#pragma once

#include "actors/api/shared.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

/// Lives as long as the node. Between open_partition and leave_partition it works; otherwise it
/// answers "not_leader" and leaves alone what is sent again.
partition_actor spawn_partition_actor(caf::actor_system& system, engine_shared& shared,
                                      partition_id partition);

} // namespace troupe

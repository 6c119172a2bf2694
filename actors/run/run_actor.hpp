// The actor of one active run. Made by its partition when a message needs it.
#pragma once

#include "actors/api/shared.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

run_actor spawn_run_actor(caf::actor_system& system, engine_shared& shared, const run_spawn& what);

} // namespace troupe

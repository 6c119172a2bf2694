// Owns the tokens of running executions for the whole node.
#pragma once

#include "actors/api/shared.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

limiter_actor spawn_limiter_actor(caf::actor_system& system, engine_shared& shared);

} // namespace troupe

// One running io attempt: hands it to a skill provider and its outcome to the run.
#pragma once

#include "actors/api/shared.hpp"

#include <caf/actor_system.hpp>

namespace troupe {

step_actor spawn_step_actor(caf::actor_system& system, engine_shared& shared, const run_actor& run);

} // namespace troupe

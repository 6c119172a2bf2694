// Faults that tests inject into actors.
#pragma once

#include "runtime/base/ids.hpp"

#include <string>
#include <string_view>

namespace troupe {

struct engine_shared;

/// Under which name `engine_shared::faults` has a drop.
std::string drop_name(std::string_view what, std::string_view run);

/// Called by an actor before it handles a message. Does what POST /system/faults asked for this
/// actor: throws, as a bug of ours would, or comes late. Otherwise it costs one relaxed load.
void suffer_faults(engine_shared& shared, std::string_view actor);

/// Whether something of a run ("outcome" of a step, "timer", "message") is to be dropped here, as a
/// bug of ours would lose it; asked where it passes, once for each.
bool told_to_drop(engine_shared& shared, std::string_view what, const run_id& run);

} // namespace troupe

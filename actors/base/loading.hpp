// Loading a run under a mark that outlives the process (persistence/store/loading_marks.hpp).
#pragma once

#include "persistence/store/loading_marks.hpp"
#include "runtime/base/json.hpp"
#include "runtime/base/result.hpp"

#include <memory>

namespace troupe {

struct engine_shared;

/// What a run that is given up answers to everybody.
failure execution_unreadable();

bool given_up(const engine_shared& shared, const run_id& run);

/// Held while a run is loaded; may be empty. Fails with execution_unreadable.
result<std::unique_ptr<loading_mark>> begin_loading(const engine_shared& shared, const run_id& run,
                                                    loading_work work);

/// Logs which runs the processes before this one died of.
void log_loading_deaths(const engine_shared& shared);

/// Runs that are given up, as /system/alerts shows them.
json::array unreadable_alerts(const engine_shared& shared);

} // namespace troupe

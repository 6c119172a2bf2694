// A port on which a node answers health checks and nothing else.
#pragma once

#include "net/http/server.hpp"

namespace troupe {

/// Of the gateway's handlers what concerns health: /health, /health/live, /health/ready, and
/// /health/NAME for the health of a service. Everything else is not there. Nobody is asked for a
/// password: what asks is the machine's own supervisor.
http::handlers health_only(http::handlers all);

} // namespace troupe

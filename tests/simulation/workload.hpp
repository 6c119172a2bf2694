// Random workflows for the simulated cluster.
#pragma once

#include "runtime/base/json.hpp"

#include <cstdint>
#include <string>

namespace troupe::test {

/// A random graph whose steps call the endpoint; some wait for a signal, call `child` (empty:
/// none), or may only run so many at a time.
json::value random_workflow(std::uint64_t seed, const std::string& child);

} // namespace troupe::test

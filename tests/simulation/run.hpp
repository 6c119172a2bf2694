// One seed from its beginning to its end, and what is the least that still fails.
#pragma once

#include "tests/simulation/stage.hpp"

#include <cstdint>
#include <string>

namespace troupe::test {

struct simulation_plan {
  std::uint64_t seed = 1;
  std::uint64_t steps = 6'000; ///< with faults; then everything heals
  std::string without;         ///< names of fault kinds, separated by commas
};

struct simulation_result {
  std::string broken; ///< empty: every promise was kept
  std::string left;   ///< the histories that did not end
  std::uint64_t trace = 0, virtual_ms = 0;
  fault_counts faults;
  work_counts work;
};

simulation_result simulate(const simulation_plan& plan);

/// The same seed with fewer kinds of faults and fewer steps, as long as some promise is broken.
simulation_plan shrink(simulation_plan failing);

/// How to see it again.
std::string command_for(const simulation_plan& plan);

} // namespace troupe::test

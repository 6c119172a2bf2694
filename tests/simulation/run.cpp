#include "tests/simulation/run.hpp"

#include "tests/simulation/cluster.hpp"

namespace troupe::test {

namespace {

bool names(const std::string& list, const std::string& name) {
  return ("," + list + ",").find("," + name + ",") != std::string::npos;
}

/// What is left out does not change what the rest is.
fault_mix mix_of(const simulation_plan& plan) {
  prng random(plan.seed * 2 + 1);
  fault_mix out;
  for (const auto& kind : fault_kinds) {
    const auto often = static_cast<unsigned>(random.below(kind.most + 1));
    out.*kind.often = names(plan.without, kind.name) ? 0 : often;
  }
  return out;
}

bool fails(const simulation_plan& plan) {
  return !simulate(plan).broken.empty();
}

} // namespace

simulation_result simulate(const simulation_plan& plan) {
  cluster_simulation all(plan.seed, mix_of(plan));
  for (std::uint64_t i = 0; i < plan.steps && all.broken().empty(); ++i)
    all.step();
  if (all.broken().empty())
    all.heal();
  const auto& on = all.on();
  return {all.broken(), all.broken().empty() ? std::string() : all.histories(),
          on.trace(),   on.now(),
          on.suffered,  on.done};
}

simulation_plan shrink(simulation_plan failing) {
  for (const auto& kind : fault_kinds) {
    auto fewer = failing;
    fewer.without += (fewer.without.empty() ? "" : ",") + std::string(kind.name);
    if (!names(failing.without, kind.name) && fails(fewer))
      failing = fewer;
  }
  for (std::uint64_t least = 0; least + 1 < failing.steps;) {
    auto shorter = failing;
    shorter.steps = (least + failing.steps) / 2;
    if (fails(shorter))
      failing = shorter;
    else
      least = shorter.steps;
  }
  return failing;
}

std::string command_for(const simulation_plan& plan) {
  auto out = "./dev sim cluster --seed " + std::to_string(plan.seed);
  if (plan.steps != simulation_plan{}.steps)
    out += " --steps " + std::to_string(plan.steps);
  if (!plan.without.empty())
    out += " --without " + plan.without;
  return out;
}

} // namespace troupe::test

// Skills without I/O and without shared state: they run in the run's own actor, after the commit.
#pragma once

#include "actors/api/skill.hpp"

#include <string_view>

namespace troupe {

bool is_instant_skill(std::string_view skill) noexcept;
/// Runs it to its end. Parameters are never empty.
attempt_outcome run_instant_skill(std::string_view skill, const shared_value& parameters);

} // namespace troupe

#include "actors/base/instant_skills.hpp"

namespace troupe {

bool is_instant_skill(std::string_view skill) noexcept {
  return skill == "echo";
}

attempt_outcome run_instant_skill(std::string_view skill, const shared_value& parameters) {
  if (skill != "echo")
    return failed_attempt("skill_unknown",
                          "no provider has the skill \"" + std::string(skill) + "\"", false);
  attempt_outcome out;
  out.succeeded = true;
  out.ports.push_back({"main", value_ref(parameters)});
  return out;
}

} // namespace troupe

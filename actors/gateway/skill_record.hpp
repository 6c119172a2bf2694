// The execution of a single skill as its own routes show it: the step is the execution. Private to
// this folder.
#pragma once

#include "runtime/base/json.hpp"

#include <initializer_list>
#include <string_view>

namespace troupe::gate {

/// Whoever started an execution through an instance: this and the instance's id.
inline constexpr std::string_view instance_prefix = "skill_instance:";

/// The first of these members that is there and not null; null otherwise.
json::value first_of(const json::value& v, std::initializer_list<std::string_view> keys);
/// A member of the execution's only step; null in summaries, which have no steps.
json::value step_member(const json::value& execution, std::string_view key);
/// "echo" of an execution of "skill:echo".
std::string_view skill_type_of(const json::value& execution);
/// The execution with skill_type and skill_instance_id; its output is the skill's.
json::object skill_record(const json::value& execution);

} // namespace troupe::gate

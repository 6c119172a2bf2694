// The fields of definitions, with types and defaults: one table row a field. Private to this
// folder.
#pragma once

#include "runtime/base/json.hpp"
#include "runtime/workflow/faults.hpp"

#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace troupe::drafting {

enum class shape : std::uint8_t { text, flag, whole, number, list, map, texts, any };
enum class preset : std::uint8_t {
  none,
  empty_text,
  empty_list,
  empty_map,
  yes,
  no,
  zero,
  one,
  five
};

struct field_rule {
  std::string_view name;
  shape kind;
  preset fallback = preset::none;
};

std::span<const field_rule> workflow_fields() noexcept;
std::span<const field_rule> step_fields() noexcept;
std::span<const field_rule> node_fields() noexcept;
std::span<const field_rule> edge_fields() noexcept;

bool has_shape(const json::value& v, shape kind) noexcept;
/// "a list", for messages.
std::string_view to_text(shape kind) noexcept;

/// Fills in defaults for absent and null members; reports members of another type with the code
/// "wrong_type" and the field `prefix` + name.
void apply(std::span<const field_rule> rules, json::object& to, std::string_view node,
           const std::string& prefix, faults& found);

json::value text_value(std::string_view text);
/// A member's text; empty when it is absent or no string.
std::string text_at(const json::object& o, std::string_view key);
std::string upper(std::string text); ///< ASCII letters only
/// A number of any kind as double.
std::optional<double> number_of(const json::value& v) noexcept;
/// nullptr when absent or null.
const json::value* member(const json::object& o, std::string_view key) noexcept;
std::string indexed(std::string_view list, std::size_t i); ///< "steps[2]"

} // namespace troupe::drafting

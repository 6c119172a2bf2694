// YAML to JSON: definitions may be written in either.
#pragma once

#include "runtime/base/json.hpp"

#include <cstddef>
#include <string_view>

namespace troupe::provider {

struct yaml_limits {
  std::size_t bytes_max = std::size_t{10} << 20;
  std::size_t depth_max = 64;
  std::size_t nodes_max = 200'000;      ///< in all, aliases expanded
  std::size_t alias_nodes_max = 10'000; ///< nodes that come out of aliases
};

/// One YAML document as JSON, scalars by the core schema of YAML 1.2: plain null, ~ and nothing are
/// null; true and false booleans; decimal, 0x and 0o integers; finite numbers. Quoted scalars are
/// strings. Keys are texts. No document is JSON null.
///
/// Failures: kind `malformed`, codes "yaml_syntax" (with line and column), "yaml_too_deep",
/// "yaml_duplicate_key", "yaml_aliases", "yaml_value" (no JSON: infinite numbers, keys that are no
/// scalars, unknown tags), "yaml_documents" (more than one); kind `too_large`, code
/// "yaml_too_large". Never throws; bounded in time and memory by the limits.
result<json::value> yaml_to_json(std::string_view text, const yaml_limits& limits = {});

} // namespace troupe::provider

#include "runtime/workflow/plan.hpp"

namespace troupe {

node_index find_node(const plan& p, std::string_view id_or_name) noexcept {
  if (const auto at = p.by_id.find(id_or_name); at != p.by_id.end())
    return at->second;
  const auto at = p.by_name.find(id_or_name);
  return at == p.by_name.end() ? no_index : at->second;
}

} // namespace troupe

// Connections as other systems spell them, turned into edges. Private to this folder.
#pragma once

#include "runtime/base/json.hpp"
#include "runtime/workflow/faults.hpp"

#include <map>
#include <string>
#include <string_view>

namespace troupe::drafting {

/// Ids and names of the nodes of a graph. An id wins over a name, the first of equals over others.
class node_names {
public:
  explicit node_names(const json::array& nodes);
  std::string id_of(std::string_view id_or_name) const; ///< empty: unknown
  const json::object* find(std::string_view id_or_name) const;

private:
  std::map<std::string, const json::object*, std::less<>> by_id_, by_name_;
};

/// Replaces `connections` by `edges`. It may be a list of edges, or a map from the source's name or
/// id to {type: [targets by output port]} or {type: [targets]}, a target being {node, type, index}.
void read_connections(json::object& definition, faults& found);

} // namespace troupe::drafting

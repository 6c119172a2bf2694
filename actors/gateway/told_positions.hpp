// What this gateway's clients were told by other nodes, and this node may not show yet. Private to
// this folder.
#pragma once

#include "actors/api/engine_port.hpp"

#include <cstdint>
#include <map>
#include <mutex>
#include <vector>

namespace troupe::gate {

/// Thread-safe. At most one entry a partition.
class told_positions {
public:
  /// Another node's answer with this position goes to a client.
  void told(const position& what);
  /// This node's own write: here it is shown already.
  void written_here(const position& what);
  /// This node shows everything up to these.
  void shown(const std::vector<position>& what);

  /// Those that may not be shown yet, out of these or of all.
  std::vector<position> missing(const std::vector<position>& of) const;
  std::vector<position> missing() const;
  /// Newest index of control that a client knows from here.
  std::uint64_t control() const;

private:
  struct place {
    std::uint64_t told = 0, shown = 0;
  };
  mutable std::mutex mutex_; ///< guards places_
  std::map<partition_id, place> places_;
};

} // namespace troupe::gate

// When most nodes of a cluster are lost for good: a stopped survivor goes on alone.
#pragma once

#include "node-config/cluster_files.hpp"

#include <cstdint>
#include <vector>

namespace troupe {

/// What a survivor holds of one partition.
struct survivor_part {
  std::uint16_t partition = 0;
  std::uint64_t applied = 0, last = 0, last_term = 0; ///< 0: nothing
  std::uint64_t unfinished_runs = 0;
};
struct survivor {
  cluster_files files;
  std::vector<survivor_part> parts; ///< control first
};

/// Changes nothing but what a start would. Fails with "data_dir_in_use" while a node runs on the
/// directory, "cluster_missing", or as the store does; without consensus in this build with
/// "cluster_unsupported".
result<survivor> look_at_survivor(const std::string& data_dir);

/// Makes the node the only member of every partition: it elects itself and goes on with all that it
/// has. After a crash in between it is run again. The files it is left with.
result<cluster_files> recover_alone(const std::string& data_dir);

} // namespace troupe

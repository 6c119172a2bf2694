// What a group holds of the library; for the files of raft_group alone.
#pragma once

#include "persistence/consensus/raft_group.hpp"
#include "persistence/consensus/raft_library.hpp"

namespace troupe::raft {

struct group::library {
  ::raft state{};
  bool started = false;
};

} // namespace troupe::raft

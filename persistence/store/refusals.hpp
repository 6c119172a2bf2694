// Why a log does not take a proposal: the same words from every implementation.
#pragma once

#include "persistence/store/store.hpp"

namespace troupe {

failure storage_full();
failure shutting_down();
/// Kind `unavailable`, code "not_leader": nothing was taken. The hint tells the leader's number, or
/// nothing where it is not known.
failure not_leader(const leadership& now);
/// Kind `unavailable`, code "leadership_lost": it may be committed by the next leader.
failure leadership_lost();

} // namespace troupe

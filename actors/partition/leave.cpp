// The end of a leadership: another node goes on from what is committed.
#include "actors/partition/partition_core.hpp"

#include <caf/send.hpp>

namespace troupe {

void partition_core::leave() {
  left_ = true; // what is tried again below is refused
  const auto refusal = not_open(shared_, partition_);
  for (auto& [run, start] : waiting_for_token_)
    refuse(start.what, refusal);
  for (auto& purge : purges_waiting_)
    refuse(purge, refusal);
  const auto lost = std::make_shared<const failure>(leadership_lost());
  outbox_.clear();
  delivered_.clear();
  for (const auto& [ticket, then] : std::exchange(proposals_, {}))
    then(settled{ticket, 0, lost});
  for (auto& [run, each] : live_)
    caf::anon_send(each.actor, stop_run{lost});
  shared_.metrics.runs_live.sub(live_.size());
  // In a cluster the runs go on elsewhere, with their tokens.
  if (shared_.link)
    caf::anon_send(shared_.limiter, token_claims{partition_, term_, true, {}});
  else
    for (const auto& run : tokens_)
      caf::anon_send(shared_.limiter, token_free{run, term_});
  if (open_)
    --shared_.opened;
  open_ = false;
}

} // namespace troupe

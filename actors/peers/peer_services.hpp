// What this node does for the other nodes of its cluster: it takes messages for the runs that it
// leads, reports of tokens, and tasks for external workers.
#pragma once

#include "actors/api/shared.hpp"

namespace troupe {

/// Begins to answer questions about messages, tokens and tasks. The actors must be there; `link`
/// must outlive the object, whose end waits for calls that are under way.
class peer_services {
public:
  peer_services(node_link& link, engine_shared& shared, workers_actor workers);
  ~peer_services();
  peer_services(const peer_services&) = delete;
  peer_services& operator=(const peer_services&) = delete;

private:
  node_link& link_;
};

} // namespace troupe

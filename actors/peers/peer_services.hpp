// What this node does for the other nodes of its cluster: it takes messages for the runs that it
// leads, reports of tokens, tasks for external workers, and what runs say to who follows them here.
#pragma once

#include "actors/api/shared.hpp"
#include "actors/base/link_messages.hpp"

#include <functional>

namespace troupe {

/// Begins to answer questions about messages, tokens and tasks, and to hand on what runs say. The
/// actors must be there; `link` must outlive the object, whose end waits for calls under way.
class peer_services {
public:
  peer_services(node_link& link, engine_shared& shared, workers_actor workers,
                std::function<void(const live_word&)> hears);
  ~peer_services();
  peer_services(const peer_services&) = delete;
  peer_services& operator=(const peer_services&) = delete;

private:
  node_link& link_;
};

} // namespace troupe

// The actor that owns the sockets of all peers: a CAF broker in the middleman's loop around the
// link keeper. Included by .cpp files of this folder only.
#pragma once

#include "net/cluster/peer_book.hpp"
#include "net/cluster/sockets.hpp"
#include "net/cluster/tls.hpp"

#include <caf/actor.hpp>
#include <caf/actor_system.hpp>
#include <caf/atom.hpp>

#include <atomic>

namespace troupe::cluster {

/// All outlive the actor.
struct network_deps {
  const peers_options* options = nullptr;
  peer_book* book = nullptr;
  peer_events* events = nullptr;
  SSL_CTX* tls = nullptr;
  std::atomic<bool>* flush_asked = nullptr; ///< a flush_atom is on its way
};

using flush_atom = caf::atom_constant<caf::atom("flush")>; ///< peers have something to be sent
using nodes_atom = caf::atom_constant<caf::atom("nodes")>; ///< the book's peers changed
using stop_atom = caf::atom_constant<caf::atom("stop")>;   ///< ends connections and the actor

caf::actor spawn_network(caf::actor_system& in, const network_deps& deps, socket_fd listener);

} // namespace troupe::cluster

// What CAF's middleman needs to carry our TLS: a scribe for each connection, a doorman that
// accepts. Included by .cpp files of this folder only.
#pragma once

#include "net/cluster/sockets.hpp"
#include "net/cluster/tls.hpp"

#include <caf/io/doorman.hpp>
#include <caf/io/network/default_multiplexer.hpp>
#include <caf/io/scribe.hpp>

#include <functional>
#include <memory>

namespace troupe::cluster {

/// Takes over the socket. It begins with configure_read(), and must not be written to before the
/// session is established: CAF would wait for the socket to take bytes, which it always does.
/// Closing is at once: what is unsent is lost, and a peer that hangs is not waited for.
caf::io::scribe_ptr make_scribe(caf::io::network::default_multiplexer& loop, socket_fd socket,
                                std::shared_ptr<tls_session> session,
                                caf::io::connection_handle handle);

/// Gets an accepted socket; returns the scribe's handle after adding it to the broker, or an
/// invalid one.
using adopt_socket = std::function<caf::io::connection_handle(socket_fd)>;

caf::io::doorman_ptr make_doorman(caf::io::network::default_multiplexer& loop, socket_fd socket,
                                  adopt_socket adopt);

} // namespace troupe::cluster

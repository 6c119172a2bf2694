// Whether a peer's hello fits this node, and if not, why, in words for both sides. Pure.
#pragma once

#include "net/cluster/wire.hpp"

#include <functional>
#include <optional>
#include <string>

namespace troupe::cluster {

/// What the connection tells beside the hello.
struct hello_circumstances {
  std::optional<node_number> dialled;     ///< we dialled this node's address
  std::optional<node_number> certificate; ///< the certificate is this node's
  bool known = false;                     ///< it is among the nodes that were set
  /// The incarnation that this node has a living link with.
  std::optional<std::string> linked_incarnation;
  /// As peers_options::objects; asked once everything else of the hello fits. May be empty.
  std::function<std::optional<refusal>(const peer_identity&)> objects{};
};

/// Nothing: the peer is welcome.
std::optional<refusal> objection(const peer_identity& self, const hello& said,
                                 const hello_circumstances& in);

/// The number in a certificate's name "node-<number>"; nothing: the name is of another form, and
/// then says nothing about the number.
std::optional<node_number> node_of_certificate(std::string_view name) noexcept;

} // namespace troupe::cluster

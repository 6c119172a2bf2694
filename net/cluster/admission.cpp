#include "net/cluster/admission.hpp"

#include <charconv>

namespace troupe::cluster {

namespace {

std::string numbered(node_number node) {
  return std::to_string(node);
}

/// Foreign text for messages: printable, short.
std::string shown(std::string_view text) {
  return "\"" + read_refusal(text.substr(0, 64)) + "\"";
}

bool releases_fit(std::uint32_t a, std::uint32_t b) noexcept {
  return a > b ? a - b <= 1 : b - a <= 1;
}

} // namespace

std::optional<std::string> objection(const peer_identity& self, const hello& said,
                                     const hello_circumstances& in) {
  const auto& who = said.who;
  if (said.version != wire_version)
    return "The versions of the nodes' protocol differ: " + std::to_string(said.version) + " and " +
           std::to_string(wire_version) + ".";
  if (who.cluster_id != self.cluster_id)
    return "The clusters differ: " + shown(who.cluster_id) + " and " + shown(self.cluster_id) + ".";
  if (!releases_fit(who.release, self.release))
    return "Releases " + std::to_string(who.release) + " and " + std::to_string(self.release) +
           " do not work together: they may differ by one.";
  if (who.node == 0)
    return "0 is no node number.";
  if (in.certificate && *in.certificate != who.node)
    return "Node " + numbered(who.node) + " shows the certificate of node " +
           numbered(*in.certificate) + ".";
  if (who.node == self.node)
    return who.incarnation == self.incarnation
               ? "This is the node's own address."
               : "Two processes are node " + numbered(who.node) + ": was a data directory copied?";
  if (in.dialled && *in.dialled != who.node)
    return "At the address of node " + numbered(*in.dialled) + " there is node " +
           numbered(who.node) + ".";
  if (!in.known)
    return "Node " + numbered(who.node) + " is not among the nodes that node " +
           numbered(self.node) + " knows.";
  if (in.linked_incarnation && *in.linked_incarnation != who.incarnation)
    return "Another process is connected as node " + numbered(who.node) +
           ": was a data directory copied?";
  return std::nullopt;
}

std::optional<node_number> node_of_certificate(std::string_view name) noexcept {
  constexpr std::string_view prefix = "node-";
  if (!name.starts_with(prefix))
    return std::nullopt;
  name.remove_prefix(prefix.size());
  node_number node = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), node);
  if (error != std::errc{} || end != name.data() + name.size())
    return std::nullopt;
  return node;
}

} // namespace troupe::cluster

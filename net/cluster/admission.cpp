#include "net/cluster/admission.hpp"

#include <charconv>

namespace troupe::cluster {

namespace {

std::string numbered(node_number node) {
  return std::to_string(node);
}

/// Foreign text for messages: printable, short.
std::string shown(std::string_view text) {
  return "\"" + read_words(text.substr(0, 64)) + "\"";
}

bool releases_fit(std::uint32_t a, std::uint32_t b) noexcept {
  return a > b ? a - b <= 1 : b - a <= 1;
}

} // namespace

std::optional<refusal> objection(const peer_identity& self, const hello& said,
                                 const hello_circumstances& in) {
  const auto& who = said.who;
  const auto plain = [](std::string words) { return refusal{{}, std::move(words)}; };
  const auto copied = [](std::string words) {
    return refusal{"node_copied", std::move(words) + ": was a data directory copied?"};
  };
  if (said.version != wire_version)
    return plain("The versions of the nodes' protocol differ: " + std::to_string(said.version) +
                 " and " + std::to_string(wire_version) + ".");
  if (who.cluster_id != self.cluster_id)
    return plain("The clusters differ: " + shown(who.cluster_id) + " and " +
                 shown(self.cluster_id) + ".");
  if (!releases_fit(who.release, self.release))
    return refusal{"release_unfit", "Releases " + std::to_string(who.release) + " and " +
                                        std::to_string(self.release) +
                                        " do not work together: they may differ by one."};
  if (who.node == 0)
    return plain("0 is no node number.");
  if (in.certificate && *in.certificate != who.node)
    return plain("Node " + numbered(who.node) + " shows the certificate of node " +
                 numbered(*in.certificate) + ".");
  if (who.node == self.node)
    return who.incarnation == self.incarnation
               ? plain("This is the node's own address.")
               : copied("Two processes are node " + numbered(who.node));
  if (in.dialled && *in.dialled != who.node)
    return plain("At the address of node " + numbered(*in.dialled) + " there is node " +
                 numbered(who.node) + ".");
  if (in.objects)
    if (auto why = in.objects(who))
      return why;
  if (!in.known)
    return plain("Node " + numbered(who.node) + " is not among the nodes that node " +
                 numbered(self.node) + " knows.");
  if (in.linked_incarnation && *in.linked_incarnation != who.incarnation)
    return copied("Another process is connected as node " + numbered(who.node));
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

// Which addresses the product may call on behalf of a workflow (RELIABILITY.md S1). Pure: decides
// over resolved addresses, so that no spelling of a host name and no later answer of a name server
// gets around it.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// An IPv4 address (in the first four bytes) or an IPv6 address, in network order.
struct ip_address {
  std::array<std::uint8_t, 16> bytes{};
  bool is_v6 = false;
  friend bool operator==(const ip_address&, const ip_address&) = default;
};

/// Reads four decimal numbers, or an IPv6 address without brackets and zone. Strict: nothing for
/// the octal, hexadecimal and shortened forms.
std::optional<ip_address> ip_address_from_text(std::string_view text);

/// Why an address is not a public one, such as "loopback" or "link-local"; empty when it is
/// public. IPv4 inside IPv6 (mapped, compatible, NAT64, 6to4, Teredo) is judged as the IPv4
/// address, and is never public where that is not.
std::string_view non_public_range(const ip_address& address) noexcept;

/// The operator's exceptions: "name:port" lets that name on that port be private, "address:port"
/// ("[::1]:80" for IPv6) that address. Immutable, thread-safe.
class address_policy {
public:
  /// Entries that are not of this form are ignored; refused_entries() names them.
  explicit address_policy(const std::vector<std::string>& allow);

  /// True when a connection to `address` and `port`, made for a URL with the host `host` (ASCII,
  /// any case, a trailing dot allowed), may be opened.
  bool permits(std::string_view host, const ip_address& address, std::uint16_t port) const;
  const std::vector<std::string>& refused_entries() const noexcept { return refused_entries_; }

private:
  struct exception {
    std::string host; ///< lower case; empty when an address is named
    std::optional<ip_address> address;
    std::uint16_t port = 0;
  };
  std::vector<exception> exceptions_;
  std::vector<std::string> refused_entries_;
};

} // namespace troupe

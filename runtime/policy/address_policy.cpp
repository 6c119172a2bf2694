#include "runtime/policy/address_policy.hpp"

#include <algorithm>
#include <charconv>

namespace troupe {

namespace {

std::optional<ip_address> v4_from_text(std::string_view text) {
  ip_address out;
  for (std::size_t i = 0; i < 4; ++i) {
    const auto end = std::min(text.find('.'), text.size());
    const auto part = text.substr(0, end);
    const auto read = std::from_chars(part.data(), part.data() + part.size(), out.bytes[i]);
    if (part.empty() || read.ec != std::errc{} || read.ptr != part.data() + part.size() ||
        (part.size() > 1 && part[0] == '0') || (end == text.size()) != (i == 3))
      return std::nullopt;
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return out;
}

// Appends the groups of one side of "::"; the last one of the address may be dotted.
bool read_groups(std::string_view text, std::vector<std::uint8_t>& out) {
  while (!text.empty()) {
    const auto end = std::min(text.find(':'), text.size());
    const auto part = text.substr(0, end);
    if (part.find('.') != std::string_view::npos) {
      const auto dotted = v4_from_text(part);
      if (!dotted || end != text.size())
        return false;
      out.insert(out.end(), dotted->bytes.begin(), dotted->bytes.begin() + 4);
      return true;
    }
    std::uint16_t group = 0;
    const auto read = std::from_chars(part.data(), part.data() + part.size(), group, 16);
    if (part.empty() || part.size() > 4 || read.ec != std::errc{} ||
        read.ptr != part.data() + part.size() || end + 1 == text.size())
      return false;
    out.push_back(static_cast<std::uint8_t>(group >> 8));
    out.push_back(static_cast<std::uint8_t>(group & 0xff));
    text.remove_prefix(std::min(end + 1, text.size()));
  }
  return true;
}

std::optional<ip_address> v6_from_text(std::string_view text) {
  const auto gap = text.find("::");
  std::vector<std::uint8_t> front, back;
  const bool read = read_groups(text.substr(0, gap), front) &&
                    (gap == std::string_view::npos || read_groups(text.substr(gap + 2), back));
  const auto known = front.size() + back.size();
  if (!read || (gap == std::string_view::npos ? known != 16 : known > 14))
    return std::nullopt;
  ip_address out;
  out.is_v6 = true;
  std::copy(front.begin(), front.end(), out.bytes.begin());
  std::copy_backward(back.begin(), back.end(), out.bytes.end());
  return out;
}

struct range {
  std::array<std::uint8_t, 16> prefix;
  unsigned bits;
  std::string_view name;
};

// IANA's registries of special-purpose addresses, and multicast.
constexpr std::array v4_ranges{
    range{{0}, 8, "unspecified"},
    range{{10}, 8, "private"},
    range{{100, 64}, 10, "shared (carrier NAT)"},
    range{{127}, 8, "loopback"},
    range{{169, 254}, 16, "link-local"},
    range{{172, 16}, 12, "private"},
    range{{192, 0, 0}, 24, "protocol assignments"},
    range{{192, 0, 2}, 24, "documentation"},
    range{{192, 88, 99}, 24, "6to4 relay"},
    range{{192, 168}, 16, "private"},
    range{{198, 18}, 15, "benchmark"},
    range{{198, 51, 100}, 24, "documentation"},
    range{{203, 0, 113}, 24, "documentation"},
    range{{224}, 4, "multicast"},
    range{{240}, 4, "reserved or broadcast"},
};

constexpr std::array v6_ranges{
    range{{0x00, 0x64, 0xff, 0x9b, 0x00, 0x01}, 48, "local NAT64"},
    range{{0x01}, 64, "discard"},
    range{{0x20, 0x01, 0x00, 0x00}, 23, "protocol assignments"},
    range{{0x20, 0x01, 0x0d, 0xb8}, 32, "documentation"},
    range{{0x3f, 0xff}, 20, "documentation"},
    range{{0x5f, 0x00}, 16, "segment routing"},
    range{{0xfc}, 7, "unique local"},
    range{{0xfe, 0x80}, 10, "link-local"},
    range{{0xfe, 0xc0}, 10, "site-local"},
    range{{0xff}, 8, "multicast"},
};

bool inside(const ip_address& address, const range& where) noexcept {
  for (unsigned bit = 0; bit < where.bits; bit += 8) {
    const unsigned left = std::min(8u, where.bits - bit);
    const auto mask = static_cast<std::uint8_t>(0xff00u >> left);
    if ((address.bytes[bit / 8] & mask) != (where.prefix[bit / 8] & mask))
      return false;
  }
  return true;
}

template <std::size_t N>
std::string_view find_range(const ip_address& address, const std::array<range, N>& ranges) {
  for (const auto& where : ranges)
    if (inside(address, where))
      return where.name;
  return {};
}

ip_address v4_at(const ip_address& address, std::size_t offset, std::uint8_t flipped = 0) noexcept {
  ip_address out;
  for (std::size_t i = 0; i < 4; ++i)
    out.bytes[i] = address.bytes[offset + i] ^ flipped;
  return out;
}

constexpr range mapped{{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff}, 96, {}};
constexpr range translated{{0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 0, 0}, 96, {}};
constexpr range compatible{{0}, 96, {}};
constexpr range nat64{{0x00, 0x64, 0xff, 0x9b}, 96, {}};
constexpr range six_to_four{{0x20, 0x02}, 16, {}};
constexpr range teredo{{0x20, 0x01, 0x00, 0x00}, 32, {}};

std::string_view v6_range(const ip_address& address) noexcept {
  if (inside(address, compatible) && address.bytes[12] == 0 && address.bytes[13] == 0 &&
      address.bytes[14] == 0 && address.bytes[15] <= 1)
    return address.bytes[15] == 1 ? "loopback" : "unspecified";
  if (inside(address, mapped) || inside(address, translated) || inside(address, compatible) ||
      inside(address, nat64))
    return find_range(v4_at(address, 12), v4_ranges);
  if (inside(address, six_to_four))
    return find_range(v4_at(address, 2), v4_ranges);
  if (inside(address, teredo)) {
    const auto server = find_range(v4_at(address, 4), v4_ranges);
    return server.empty() ? find_range(v4_at(address, 12, 0xff), v4_ranges) : server;
  }
  if (const auto name = find_range(address, v6_ranges); !name.empty())
    return name;
  // Global unicast is 2000::/3; nothing else has been given out.
  return (address.bytes[0] & 0xe0u) == 0x20u ? std::string_view{} : "reserved";
}

std::string host_name(std::string_view text) {
  std::string out(text);
  for (char& c : out)
    if (c >= 'A' && c <= 'Z')
      c = static_cast<char>(c + 32);
  if (out.size() > 1 && out.back() == '.')
    out.pop_back();
  return out;
}

} // namespace

std::optional<ip_address> ip_address_from_text(std::string_view text) {
  return text.find(':') == std::string_view::npos ? v4_from_text(text) : v6_from_text(text);
}

std::string_view non_public_range(const ip_address& address) noexcept {
  return address.is_v6 ? v6_range(address) : find_range(address, v4_ranges);
}

address_policy::address_policy(const std::vector<std::string>& allow) {
  for (const auto& entry : allow) {
    const auto colon = entry.rfind(':');
    exception made;
    std::string_view host = std::string_view(entry).substr(0, colon);
    const char* end = entry.data() + entry.size();
    const char* digits = colon == std::string::npos ? end : entry.data() + colon + 1;
    const auto read = std::from_chars(digits, end, made.port);
    const bool bracketed = host.starts_with('[') && host.ends_with(']');
    if (bracketed)
      host = host.substr(1, host.size() - 2);
    made.address = ip_address_from_text(host);
    const bool bare_v6 = made.address && made.address->is_v6 != bracketed;
    if (host.empty() || read.ec != std::errc{} || read.ptr != end || made.port == 0 || bare_v6 ||
        (!made.address && host.find_first_of(":/@ ") != std::string_view::npos)) {
      refused_entries_.push_back(entry);
      continue;
    }
    if (!made.address)
      made.host = host_name(host);
    exceptions_.push_back(std::move(made));
  }
}

bool address_policy::permits(std::string_view host, const ip_address& address,
                             std::uint16_t port) const {
  if (non_public_range(address).empty())
    return true;
  const auto name = host_name(host);
  return std::any_of(exceptions_.begin(), exceptions_.end(), [&](const exception& e) {
    return e.port == port && (e.address ? *e.address == address : e.host == name);
  });
}

} // namespace troupe

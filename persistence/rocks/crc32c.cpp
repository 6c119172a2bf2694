#include "persistence/rocks/crc32c.hpp"

#include <array>
#include <cstddef>
#include <cstring>

namespace troupe::rocks {

namespace {

using lookup = std::array<std::array<std::uint32_t, 256>, 8>;

// Slicing by eight: table k holds the checksum of a byte followed by k zero bytes.
constexpr lookup make_lookup() {
  lookup tables{};
  for (std::uint32_t byte = 0; byte < 256; ++byte) {
    std::uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit)
      crc = (crc >> 1) ^ ((crc & 1) ? 0x82f63b78U : 0U);
    tables[0][byte] = crc;
  }
  for (std::size_t k = 1; k < 8; ++k)
    for (std::size_t byte = 0; byte < 256; ++byte)
      tables[k][byte] = (tables[k - 1][byte] >> 8) ^ tables[0][tables[k - 1][byte] & 0xff];
  return tables;
}

constexpr lookup tables = make_lookup();

} // namespace

std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) noexcept {
  crc = ~crc;
  while (bytes.size() >= 8) {
    std::uint64_t word = 0;
    std::memcpy(&word, bytes.data(), 8);
    word ^= crc;
    crc = 0;
    for (std::size_t i = 0; i < 8; ++i)
      crc ^= tables[7 - i][(word >> (8 * i)) & 0xff];
    bytes.remove_prefix(8);
  }
  for (const char c : bytes)
    crc = (crc >> 8) ^ tables[0][(crc ^ static_cast<std::uint8_t>(c)) & 0xff];
  return ~crc;
}

} // namespace troupe::rocks

// CRC-32C as RocksDB's write-ahead log uses it.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe::rocks {

/// Goes on from `crc` (0: the start) over `bytes`.
std::uint32_t crc32c(std::uint32_t crc, std::string_view bytes) noexcept;

/// RocksDB stores checksums rotated and offset, so that a checksum over checksums stays strong.
constexpr std::uint32_t unmasked(std::uint32_t stored) noexcept {
  const std::uint32_t rotated = stored - 0xa282ead8U;
  return (rotated >> 17) | (rotated << 15);
}

} // namespace troupe::rocks

// A stable, fast, non-cryptographic hash.
#pragma once

#include <cstdint>
#include <string_view>

namespace troupe {

/// XXH64 (xxHash specification, 64 bits): the same bytes and seed give the same number on every
/// machine and in every release, so it may be stored. Not for secrets, signatures or the audit
/// chain: whoever chooses the bytes can make collisions.
std::uint64_t hash64(std::string_view bytes, std::uint64_t seed = 0) noexcept;

} // namespace troupe

// Identities: strong types, so that a workflow id is never taken for a run id.
#pragma once

#include "runtime/base/instant.hpp"

#include <array>
#include <compare>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe {

/// 128 bits in big-endian order; compares like its text.
struct uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const uuid&, const uuid&) = default;
};

/// Lower-case 8-4-4-4-12.
std::string to_text(const uuid& id);
/// Accepts upper and lower case, only the 36-character form.
std::optional<uuid> uuid_from_text(std::string_view text);

/// Number of a partition: 0 is control, 1…P hold runs and content documents.
enum class partition_id : std::uint16_t {};
constexpr std::uint16_t number(partition_id p) noexcept {
  return static_cast<std::uint16_t>(p);
}

/// A run (execution): a UUIDv7 whose 12 rand_a bits are its partition.
struct run_id {
  uuid id;
  friend auto operator<=>(const run_id&, const run_id&) = default;
};
inline std::string to_text(const run_id& run) {
  return to_text(run.id);
}
std::optional<run_id> run_id_from_text(std::string_view text);
/// Builds a run id. `random` supplies the 62 rand_b bits.
run_id make_run_id(instant at, partition_id partition, std::uint64_t random);
partition_id partition_of(const run_id& run) noexcept;

/// A UUIDv7 for everything else. `random_a` gives 12 bits, `random_b` 62.
uuid make_uuid(instant at, std::uint16_t random_a, std::uint64_t random_b);

/// Position of an event in its run's history, from 1 without gap.
using sequence_number = std::uint64_t;

struct run_id_hash {
  std::size_t operator()(const run_id& run) const noexcept {
    std::uint64_t low = 0;
    for (std::size_t i = 8; i < 16; ++i)
      low = (low << 8) | run.id.bytes[i];
    return low;
  }
};

} // namespace troupe

#include "runtime/base/ids.hpp"

#include "runtime/base/encoding.hpp"
#include "runtime/base/invariant.hpp"

namespace troupe {

namespace {

constexpr unsigned uuid_version = 7;

constexpr bool dash_before(std::size_t byte) noexcept {
  return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

} // namespace

std::string to_text(const uuid& id) {
  constexpr char digits[] = "0123456789abcdef";
  std::string out;
  out.reserve(36);
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (dash_before(i))
      out.push_back('-');
    out.push_back(digits[id.bytes[i] >> 4]);
    out.push_back(digits[id.bytes[i] & 15]);
  }
  return out;
}

std::optional<uuid> uuid_from_text(std::string_view text) {
  if (text.size() != 36)
    return std::nullopt;
  uuid id;
  std::size_t at = 0;
  for (std::size_t i = 0; i < id.bytes.size(); ++i) {
    if (dash_before(i) && text[at++] != '-')
      return std::nullopt;
    const int high = hex_digit(text[at]);
    const int low = hex_digit(text[at + 1]);
    if (high < 0 || low < 0)
      return std::nullopt;
    id.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
    at += 2;
  }
  return id;
}

uuid make_uuid(instant at, std::uint16_t random_a, std::uint64_t random_b) {
  const auto ms = static_cast<std::uint64_t>(to_millis(at));
  uuid id;
  for (std::size_t i = 0; i < 6; ++i)
    id.bytes[i] = static_cast<std::uint8_t>(ms >> (8 * (5 - i)));
  id.bytes[6] = static_cast<std::uint8_t>(uuid_version << 4 | ((random_a >> 8) & 0x0F));
  id.bytes[7] = static_cast<std::uint8_t>(random_a);
  const std::uint64_t low = (random_b & ~(std::uint64_t{3} << 62)) | std::uint64_t{2} << 62;
  for (std::size_t i = 0; i < 8; ++i)
    id.bytes[8 + i] = static_cast<std::uint8_t>(low >> (8 * (7 - i)));
  return id;
}

std::optional<run_id> run_id_from_text(std::string_view text) {
  const auto id = uuid_from_text(text);
  if (!id || id->bytes[6] >> 4 != uuid_version || id->bytes[8] >> 6 != 2)
    return std::nullopt;
  return run_id{*id};
}

run_id make_run_id(instant at, partition_id partition, std::uint64_t random) {
  check(number(partition) < 4096, "a partition number has 12 bits in a run id");
  return run_id{make_uuid(at, number(partition), random)};
}

partition_id partition_of(const run_id& run) noexcept {
  const auto& bytes = run.id.bytes;
  return static_cast<partition_id>((bytes[6] & 0x0F) << 8 | bytes[7]);
}

} // namespace troupe

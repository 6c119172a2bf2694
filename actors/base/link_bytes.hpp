// Bytes between nodes: numbers big-endian, texts with their length before them. Every message
// begins with a version.
#pragma once

#include "runtime/base/ids.hpp"
#include "runtime/base/result.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

class link_writer {
public:
  link_writer& u8(std::uint8_t v) { return number(v, 1); }
  link_writer& u16(std::uint16_t v) { return number(v, 2); }
  link_writer& u32(std::uint32_t v) { return number(v, 4); }
  link_writer& u64(std::uint64_t v) { return number(v, 8); }
  link_writer& run(const run_id& v);
  link_writer& text(std::string_view v); ///< shorter than 4 GiB
  link_writer& rest(std::string_view v); ///< without its length: the last one
  std::string take() { return std::move(out_); }

private:
  link_writer& number(std::uint64_t v, int bytes);
  std::string out_;
};

/// What is missing reads as zero or empty, and ok() is false from then on. Texts point into the
/// bytes.
class link_reader {
public:
  explicit link_reader(std::string_view bytes) : left_(bytes) {}
  std::uint8_t u8() { return static_cast<std::uint8_t>(number(1)); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(number(2)); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(number(4)); }
  std::uint64_t u64() { return number(8); }
  run_id run();
  std::string_view text();
  std::string_view rest() { return std::exchange(left_, {}); }
  /// How many things of at least `each` bytes follow; more than there can be is wrong.
  std::uint32_t count(std::size_t each);

  bool ok() const noexcept { return ok_; }
  bool done() const noexcept { return ok_ && left_.empty(); }

private:
  std::uint64_t number(std::size_t bytes);
  std::string_view bytes(std::size_t count);
  std::string_view left_;
  bool ok_ = true;
};

void write_failure(link_writer& to, const failure& what);
/// A kind that this release does not know is `internal`.
failure read_failure(link_reader& from);

/// Code "link_malformed": a message of another node is not readable.
failure link_malformed();
/// Kind `unavailable`, code "node_unreachable".
failure node_unreachable(std::string message);

} // namespace troupe

// The tables of a data directory: names, keys and changes. What the values mean is the caller's
// business; persistence stores streams of bytes, rows and blobs.
#pragma once

#include "runtime/base/ids.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace troupe {

/// One column family each. Every key starts with the partition (2 bytes, big-endian), except in
/// `system`.
enum class table : std::uint8_t {
  log,       ///< partition, index → what the entry changed (run ids, document keys)
  log_meta,  ///< partition → applied index, audit head
  events,    ///< partition, run id, first seq of a turn → the turn: its events, hash-chained
  state,     ///< partition, run id → snapshot
  outputs,   ///< partition, run id, path, iteration → a finished output
  active,    ///< partition, kind byte, run id → unfinished runs
  documents, ///< partition, collection, id → document
  timers,    ///< partition, due, run id, timer → –
  outbox,    ///< partition, target, message id → message
  dedupe,    ///< partition, key → what the key stands for
  blobs,     ///< partition, SHA-256 → a large value
  blob_refs, ///< partition, SHA-256, run id → –
  system,    ///< name → schema version, identity
};
constexpr std::size_t table_count = static_cast<std::size_t>(table::system) + 1;
std::string_view name_of(table t) noexcept;

/// One change of one row: a value to put, or nothing to delete.
struct row_change {
  table in;
  std::string key;
  std::optional<std::string> value;
  /// When set, all keys of [key, range_end) are deleted; `value` is ignored.
  std::optional<std::string> range_end;
};

/// Builds keys that sort like their parts: fixed-width integers big-endian, text closed by a zero
/// byte.
class key_builder {
public:
  explicit key_builder(partition_id partition);
  key_builder& u8(std::uint8_t v);
  key_builder& u16(std::uint16_t v);
  key_builder& u64(std::uint64_t v);
  key_builder& id(const uuid& v);
  key_builder& text(std::string_view v); ///< must not contain a zero byte
  key_builder& raw(std::string_view v);
  std::string take() { return std::move(key_); }

private:
  std::string key_;
};

/// Reads what key_builder wrote; every function returns false at the end of the bytes.
class key_reader {
public:
  explicit key_reader(std::string_view key) : rest_(key) {}
  bool u8(std::uint8_t& v) noexcept;
  bool u16(std::uint16_t& v) noexcept;
  bool u64(std::uint64_t& v) noexcept;
  bool id(uuid& v) noexcept;
  bool text(std::string_view& v) noexcept;
  std::string_view rest() const noexcept { return rest_; }

private:
  std::string_view rest_;
};

/// The smallest key greater than every key that starts with `prefix`; empty: none (all 0xff).
std::string prefix_end(std::string_view prefix);

} // namespace troupe

// Values as state and events hold them: inline when small, by content hash when large.
#pragma once

#include "runtime/base/json.hpp"

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

namespace troupe {

/// SHA-256 of a value's JSON text: the name of a blob.
using blob_id = std::array<std::uint8_t, 32>;

/// Values whose text is longer are kept as blobs, once each, outside the log.
constexpr std::size_t inline_bytes_max = 64u << 10;

/// Where large values live. Content-addressed, so loading is a pure function of the id.
class blob_port {
public:
  virtual ~blob_port() = default;
  /// Keeps the text until the turn that names it is proposed. Returns its id.
  virtual blob_id save(std::string text) = 0;
  /// Fails with code "blob_missing" when nothing is stored under the id.
  virtual result<shared_value> load(const blob_id& id) = 0;
};

/// A value, or where it is. Absent values are empty.
class value_ref {
public:
  value_ref() = default;
  explicit value_ref(shared_value v) : inline_(std::move(v)) {}
  value_ref(blob_id id, std::uint64_t bytes)
      : blob_(std::make_shared<const blob>(blob{id, bytes})) {}

  bool empty() const noexcept { return !inline_ && !blob_; }
  bool is_blob() const noexcept { return blob_ != nullptr; }
  const shared_value& inline_value() const noexcept { return inline_; }
  const blob_id& id() const noexcept { return blob_->id; }
  std::uint64_t bytes() const noexcept { return blob_ ? blob_->bytes : 0; }
  /// The value itself; JSON null when empty.
  result<shared_value> get(blob_port& blobs) const;

private:
  struct blob {
    blob_id id;
    std::uint64_t bytes;
  };
  shared_value inline_;
  std::shared_ptr<const blob> blob_;
};

/// Keeps small values inline and saves large ones.
value_ref keep(shared_value v, blob_port& blobs);
inline value_ref keep(json::value v, blob_port& blobs) {
  return keep(share(std::move(v)), blobs);
}

/// JSON null, shared by everybody.
const shared_value& null_value() noexcept;

} // namespace troupe

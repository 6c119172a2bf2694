// Bytes of stored and sent formats: fixed-width integers big-endian, text behind its length.
#pragma once

#include "runtime/base/invariant.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>

namespace troupe {

class byte_writer {
public:
  byte_writer& u8(std::uint8_t v) { return integer(v, 1); }
  byte_writer& u16(std::uint16_t v) { return integer(v, 2); }
  byte_writer& u32(std::uint32_t v) { return integer(v, 4); }
  byte_writer& u64(std::uint64_t v) { return integer(v, 8); }
  byte_writer& raw(std::string_view v) {
    bytes_.append(v);
    return *this;
  }
  /// At most 4 GiB.
  byte_writer& text(std::string_view v) {
    check(v.size() <= UINT32_MAX, "a text is larger than 4 GiB");
    return u32(static_cast<std::uint32_t>(v.size())).raw(v);
  }

  std::size_t size() const noexcept { return bytes_.size(); }
  const std::string& bytes() const noexcept { return bytes_; }
  std::string take() { return std::exchange(bytes_, {}); }

private:
  byte_writer& integer(std::uint64_t v, int size) {
    for (int shift = 8 * (size - 1); shift >= 0; shift -= 8)
      bytes_.push_back(static_cast<char>((v >> shift) & 0xff));
    return *this;
  }

  std::string bytes_;
};

/// Reads foreign bytes: every function returns false where they end, and goes no further.
class byte_reader {
public:
  explicit byte_reader(std::string_view bytes) : rest_(bytes) {}

  template <class T> bool integer(T& v) noexcept {
    if (rest_.size() < sizeof(T))
      return false;
    std::uint64_t read = 0;
    for (std::size_t i = 0; i < sizeof(T); ++i)
      read = read << 8 | static_cast<std::uint8_t>(rest_[i]);
    v = static_cast<T>(read);
    rest_.remove_prefix(sizeof(T));
    return true;
  }
  bool text(std::string_view& v) noexcept {
    std::uint32_t size = 0;
    if (!integer(size) || rest_.size() < size)
      return false;
    v = rest_.substr(0, size);
    rest_.remove_prefix(size);
    return true;
  }
  std::string_view rest() const noexcept { return rest_; }
  bool done() const noexcept { return rest_.empty(); }

private:
  std::string_view rest_;
};

} // namespace troupe

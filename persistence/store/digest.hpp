// SHA-256, and the chains made of it.
#pragma once

#include <array>
#include <cstdint>
#include <string>
#include <string_view>

namespace troupe {

/// A SHA-256 value. All zero: the start of a chain.
using audit_hash = std::array<std::uint8_t, 32>;

/// The SHA-256 of `bytes`. Thread-safe; each thread reuses one context.
audit_hash sha256(std::string_view bytes);

/// The next link of a chain: SHA-256 over the 32 bytes of `previous`, then `bytes`. Thread-safe.
audit_hash chain(const audit_hash& previous, std::string_view bytes);

/// SHA-256 of bytes that come in pieces. Not thread-safe; one object, one digest after another.
class sha256_stream {
public:
  sha256_stream();
  ~sha256_stream();
  sha256_stream(const sha256_stream&) = delete;
  sha256_stream& operator=(const sha256_stream&) = delete;

  void add(std::string_view bytes);
  /// The digest of what was added; the stream is empty again afterwards.
  audit_hash finish();

private:
  void* context_;
};

/// Lower-case hex.
std::string to_hex(const audit_hash& hash);

} // namespace troupe

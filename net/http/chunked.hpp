// Decodes a chunked body (RFC 9112, section 7.1) as it arrives. Pure.
#pragma once

#include "net/http/refusal.hpp"

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace troupe::http::detail {

/// Extensions and trailers are checked, bounded and dropped. A bare LF, an empty or too long size
/// and a body over the limit are refused.
///
///   size ──► extension ──► size_lf ──► data ──► data_cr ──► data_lf ──► size
///                             └─(size 0)─► trailer ⇄ trailer_line ──► last_lf ──► done
class chunked_decoder {
public:
  /// Takes bytes off the front of `in` and appends the body's to `body`. True when the body is
  /// complete; what is left in `in` belongs to the next message.
  bool feed(std::string_view& in, std::string& body, std::size_t body_bytes_max);
  const std::optional<refusal>& refused() const noexcept { return refused_; }

private:
  enum class at {
    size,
    extension,
    size_lf,
    data,
    data_cr,
    data_lf,
    trailer,
    trailer_line,
    trailer_lf,
    last_lf,
    done
  };
  void step(char c);
  void take_data(std::string_view& in, std::string& body);
  void refuse(const char* message);

  at at_ = at::size;
  std::uint64_t left_ = 0;   ///< of this chunk
  unsigned digits_ = 0;      ///< of this chunk's size
  std::size_t overhead_ = 0; ///< bytes of extensions and trailers so far
  std::optional<refusal> refused_;
};

} // namespace troupe::http::detail
